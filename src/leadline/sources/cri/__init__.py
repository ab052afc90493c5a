"""What a container runtime knows of its containers, by the Container Runtime Interface that Kubernetes uses."""

PUBLIC_MODULES = ("runtime_socket",)
