"""What container runtimes know of their containers: by the interface that Kubernetes uses, by Docker's, by Podman's files."""

PUBLIC_MODULES = ("runtimes",)
