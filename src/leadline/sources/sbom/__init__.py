"""SBOM documents of others as an ``Sbom``."""

PUBLIC_MODULES = ("reader", "sniff")
