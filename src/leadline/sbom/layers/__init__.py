"""Layers of an image merged into one tree of files. Knows no cataloguer."""
