"""Command lines: tables of flags, and what click makes of them."""
