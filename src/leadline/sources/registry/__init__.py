"""Image registries (https://github.com/opencontainers/distribution-spec)."""

PUBLIC_MODULES = ("attached", "client", "http", "image", "options")
