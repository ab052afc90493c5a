"""Files of manifests: which are read, their objects, and the place of each field."""
