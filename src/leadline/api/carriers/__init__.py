"""Where stored objects live: ``local`` for one server, ``postgres`` for several, ``remote`` over the Kubernetes API, ``memory`` for tests."""
