"""Formats that several cataloguers read. Knows no cataloguer."""
