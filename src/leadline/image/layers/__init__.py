"""Layers of an image merged into one tree of files. Knows no cataloguer."""

PUBLIC_MODULES = ("facts", "file_selector", "scan", "scan_options", "stream", "symlinks", "tar", "tree")
