"""Image registries (https://github.com/opencontainers/distribution-spec)."""

PUBLIC_MODULES = ("client", "http", "image", "options")
