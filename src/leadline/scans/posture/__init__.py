"""Use cases over Kubernetes objects: files, charts, git, clusters, and one object at admission."""
