"""Formats that several feeds share, and the bounds that all of them keep. Only files in ``feeds`` import this room."""
