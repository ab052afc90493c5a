"""What a node says of itself: its files below a root, its processes, its kernel. Nothing here writes, and no link leads out."""

PUBLIC_MODULES = ("configz", "node")
