"""What an assistant may be shown: evidence that was read for it, as text that is marked, short and without secrets."""
