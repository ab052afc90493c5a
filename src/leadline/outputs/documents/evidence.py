"""The files that describe packages, for documents that list them with their checksums."""

from collections.abc import Container, Iterator
from hashlib import sha256

from leadline.model.package import Package
from leadline.packages.places import file_at


def key_of(path: str) -> str:
    """16 hexadecimal digits that distinguish one file of an image from another."""
    return sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def files_of(package: Package, known: Container[str]) -> Iterator[str]:
    """Those of ``known`` in which ``package`` was found, each once."""
    return filter(None, dict.fromkeys(file_at(place, known) for place in package.found_in))
