"""Where an image comes from: archive, layout, folder, daemon, containerd, registry."""
