"""Answers about access as text, JSON, CSV and pictures."""
