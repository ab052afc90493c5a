"""Go modules as package facts."""

from leadline.image.cataloguer import Digest, Package

DEVELOPMENT = "(devel)"
"""Go's own word for a version that it does not know."""


def module_package(path: str, version: str, checksum: str = "", architecture: str = "") -> Package:
    """A module by its whole path; the checksum is a ``go.sum`` line's, ``h1:`` and base64."""
    namespace, _, name = path.rpartition("/")
    digests = (Digest("h1", checksum.removeprefix("h1:")),) if checksum.startswith("h1:") else ()
    return Package("golang", name, version, namespace=namespace, arch=architecture, digests=digests)
