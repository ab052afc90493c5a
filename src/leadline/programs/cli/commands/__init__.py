"""One command per file: its presence is its registration. Each names a click command ``command``."""
