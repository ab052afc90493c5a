"""The packages of a SBOM as every format shows them: each once, with its URL, key and relations."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from typing import TypeVar

from msgspec import Struct, structs

from leadline.model.package import Package, Sbom
from leadline.outputs.documents.dependencies import Dependencies
from leadline.packages.package_url import package_url

T = TypeVar("T")
_DISTRIBUTION = frozenset(("alpm", "apk", "deb", "rpm"))


class Component(Struct, frozen=True):
    """One package, wherever in the image it was found."""

    package: Package
    """``found_in`` and licences of all places together. ``owned_by`` is set only where every place has an owner."""
    url: str
    """Its package URL; empty where none can be written."""
    key: str
    """16 hexadecimal digits that follow from what it is, and never change from one scan to the next."""
    needs: tuple[int, ...] = ()
    """Positions of the packages that it depends on, as far as known."""
    owners: tuple[int, ...] = ()
    """Positions of the distribution packages that installed it."""


def components(sbom: Sbom) -> tuple[Component, ...]:
    """The packages of ``sbom`` by type, name and version; those that are the same became one."""
    groups: dict[tuple[str, ...], list[Package]] = {}
    urls: dict[tuple[str, ...], str] = {}
    for package in sbom.packages:
        url = package_url(package)
        key = (package.type, url, package.arch) if url else parts_of(package)
        groups.setdefault(key, []).append(package)
        urls[key] = url
    merged = sorted(
        ((_merged(copies), urls[key], _key(key), copies) for key, copies in groups.items()),
        key=lambda one: (*parts_of(one[0]), one[1]),
    )
    packages = [package for package, _, _, _ in merged]
    dependencies = Dependencies(packages, [url for _, url, _, _ in merged])
    owners = _owners(packages)
    return tuple(
        Component(
            package,
            url,
            key,
            dependencies.of(position),
            tuple(dict.fromkeys(_owners_of(copies, owners, position))),
        )
        for position, (package, url, key, copies) in enumerate(merged)
    )


def parts_of(package: Package) -> tuple[str, ...]:
    """What sets one package apart from another."""
    return package.type, package.namespace, package.name, package.version, package.arch, package.subpath


def _key(parts: Iterable[str]) -> str:
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _owners(packages: Sequence[Package]) -> dict[str, int]:
    """Position of each package by name: of several that of a distribution, or the first."""
    owners: dict[str, int] = {}
    for is_distribution in (True, False):
        for position, package in enumerate(packages):
            if (package.type in _DISTRIBUTION) is is_distribution:
                owners.setdefault(package.name, position)
    return owners


def _owners_of(copies: Iterable[Package], owners: dict[str, int], itself: int) -> Iterator[int]:
    for one in copies:
        owner = owners.get(one.owned_by, itself) if one.owned_by else itself
        if owner != itself:
            yield owner


def _merged(copies: Sequence[Package]) -> Package:
    first = copies[0]
    if len(copies) == 1:
        return first
    is_owned = all(one.owned_by for one in copies)
    linked = [one.linked for one in copies]
    built_for = {one.built_for for one in copies}
    texts = ("source", "source_version", "supplier", "home", "description")
    lists = ("licenses", "found_in", "cpes", "digests", "depends", "files")
    first = structs.replace(
        first,
        **{name: next(filter(None, (getattr(one, name) for one in copies)), "") for name in texts},
        **{name: _all(getattr(one, name) for one in copies) for name in lists},
    )
    return structs.replace(
        first,
        owned_by=first.owned_by if is_owned else "",
        is_dev=all(one.is_dev for one in copies),
        built_for=first.built_for if len(built_for) == 1 else "",
        linked=None if None in linked else _all(one for one in linked if one is not None),
    )


def _all(parts: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(parts)))
