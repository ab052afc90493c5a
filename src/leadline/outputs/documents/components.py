"""The packages of a SBOM as every format shows them: with URL, key and relations.

A package that is installed in several places is one for each: each has its own layer and owner, and is upgraded by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from msgspec import Struct

from leadline.model.package import DISTRIBUTION_TYPES, Package, Sbom
from leadline.outputs.documents.dependencies import Dependencies
from leadline.packages.package_url import package_url


class Component(Struct, frozen=True):
    """One package in one place."""

    package: Package
    url: str
    """Its package URL; empty where none can be written."""
    key: str
    """16 hexadecimal digits that follow from what it is, and never change from one scan to the next. Of copies the first by place has
    the one that it had if it were alone."""
    needs: tuple[int, ...] = ()
    """Positions of the packages that it depends on, as far as known."""
    owners: tuple[int, ...] = ()
    """Positions of the distribution packages that installed it: one, where it is known."""


def components(sbom: Sbom) -> tuple[Component, ...]:
    """The packages of ``sbom`` by type, name, version and place."""
    packages = sorted(sbom.packages, key=lambda one: (*parts_of(one), package_url(one), one.found_in))
    urls = list(map(package_url, packages))
    dependencies = Dependencies(packages, urls)
    owners = _owners(packages)
    return tuple(
        Component(
            package,
            url,
            key,
            dependencies.of(position),
            tuple(_owner_of(package, owners, position)),
        )
        for position, (package, url, key) in enumerate(
            zip(packages, urls, _keys(packages, urls), strict=True)
        )
    )


def parts_of(package: Package) -> tuple[str, ...]:
    """What sets one package apart from another."""
    return package.type, package.namespace, package.name, package.version, package.arch, package.subpath


def _keys(packages: Sequence[Package], urls: Sequence[str]) -> Iterator[str]:
    known: set[str] = set()
    for number, (package, url) in enumerate(zip(packages, urls, strict=True)):
        parts = (package.type, url, package.arch) if url else parts_of(package)
        key = _key(parts)
        if key in known:
            key = _key((*parts, *package.found_in))
        if key in known:
            key = _key((*parts, *package.found_in, str(number)))
        known.add(key)
        yield key


def _key(parts: Iterable[str]) -> str:
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _owners(packages: Sequence[Package]) -> dict[str, int]:
    """Position of each package by name: of several that of a distribution, or the first."""
    owners: dict[str, int] = {}
    for is_distribution in (True, False):
        for position, package in enumerate(packages):
            if (package.type in DISTRIBUTION_TYPES) is is_distribution:
                owners.setdefault(package.name, position)
    return owners


def _owner_of(package: Package, owners: dict[str, int], itself: int) -> Iterator[int]:
    owner = owners.get(package.owned_by, itself) if package.owned_by else itself
    if owner != itself:
        yield owner
