"""Credentials in the files of an image."""

PUBLIC_MODULES = ("patterns", "scan")
