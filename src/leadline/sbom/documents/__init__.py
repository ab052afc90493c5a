"""SBOM documents of others as an ``Sbom``."""
