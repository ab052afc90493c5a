"""One control per file; the file's presence is its registration."""
