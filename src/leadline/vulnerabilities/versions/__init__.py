"""One version ordering per file."""
