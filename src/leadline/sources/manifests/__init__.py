"""Files of manifests: which are read, their objects, and the place of each field."""

PUBLIC_MODULES = ("deployers", "files", "ignore", "positions", "reader", "tree_stamp")
