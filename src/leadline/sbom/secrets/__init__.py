"""Credentials in the files of an image."""
