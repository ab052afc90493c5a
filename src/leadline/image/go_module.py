"""Go modules as package facts."""

from leadline.image.cataloguer import Package

DEVELOPMENT = "(devel)"
"""Go's own word for a version that it does not know."""


def module_package(path: str, version: str, architecture: str = "") -> Package:
    """A module by its whole path."""
    namespace, _, name = path.strip("/").rpartition("/")
    return Package("golang", name, version, namespace=namespace, arch=architecture)
