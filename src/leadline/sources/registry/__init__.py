"""Image registries (https://github.com/opencontainers/distribution-spec)."""
