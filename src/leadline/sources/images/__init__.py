"""Where an image comes from: archive, layout, folder, daemon, containerd, registry."""

PUBLIC_MODULES = ("cache", "node_blobs", "resolve")
