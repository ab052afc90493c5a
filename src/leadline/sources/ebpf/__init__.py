"""What processes do, from BPF programs in the kernel. ``probes`` holds one pair of files per probe; see ``event_source``."""

PUBLIC_MODULES = ("event_source", "kernel_check", "loading")
