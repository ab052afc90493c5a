"""The operator's half for images: what runs, what is to be scanned, and the processes that scan it."""
