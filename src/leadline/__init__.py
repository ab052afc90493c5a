"""Finds where Kubernetes can be broken into, and says what to change."""

__version__ = "0.1.0"
