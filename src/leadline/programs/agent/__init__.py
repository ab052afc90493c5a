"""The node agent: what the containers of this machine do. One process per node; as root, or with four capabilities."""
