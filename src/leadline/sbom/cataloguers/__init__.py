"""One package ecosystem or file kind per file."""
