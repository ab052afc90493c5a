"""Pieces of text that several formats and commands print."""
