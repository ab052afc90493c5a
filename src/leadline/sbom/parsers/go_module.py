"""Go modules as package facts."""

from leadline.model.package import Package
from leadline.packages.file import Unreadable

DEVELOPMENT = "(devel)"
"""Go's own word for a version that it does not know."""


def module_package(path: str, version: str, architecture: str = "") -> Package:
    """A module by its whole path.

    Raises: ``Unreadable`` for a path without a name.
    """
    namespace, _, name = path.strip("/").rpartition("/")
    if not name:
        raise Unreadable(f"a module named {path!r}")
    return Package("golang", name, version, namespace=namespace, arch=architecture)
