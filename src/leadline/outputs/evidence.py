"""The files that told of packages, for documents that list them with their checksums."""

from collections.abc import Collection, Iterator
from hashlib import sha256

from leadline.model.package import Package


def key_of(path: str) -> str:
    """16 hexadecimal digits that tell one file of an image from another."""
    return sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def files_of(package: Package, known: Collection[str]) -> Iterator[str]:
    """Those of ``known`` in which ``package`` was found, each once; the outermost of archives within archives."""
    told: set[str] = set()
    for path in package.found_in:
        while path not in known and ":" in path:
            path = path.rpartition(":")[0]
        if path in known and path not in told:
            told.add(path)
            yield path
