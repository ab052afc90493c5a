"""Versions as numbers, and whether one lies in a range."""

from leadline.kube.version import is_within, parse_version

__all__ = ["is_within", "parse_version"]
