"""Versions as numbers, and whether one lies in a range."""
