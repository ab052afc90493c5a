"""The packages of a SBOM as every format shows them: with URL, key and relations.

A package that is installed in several places is one for each: each has its own layer and owner, and is upgraded by itself.
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import takewhile

from msgspec import Struct

from leadline.model.package import DISTRIBUTION_TYPES, Package, Sbom
from leadline.packages.needed_library import NEEDED_LIBRARY
from leadline.packages.package_url import package_url
from leadline.packages.places import file_at


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


_SEPARATORS = re.compile(r"[-_.]+")
_FOLDER = "node_modules/"
_MOST_COPIES = 100
"""Of one package that are looked at for the nearest."""


class Dependencies:
    """Resolves the names that packages depend on. A name that fits several is left out unless places decide."""

    def __init__(self, packages: Sequence[Package], urls: Sequence[str] = ()) -> None:
        """``urls`` are the package URLs of ``packages``, for needs that are written as one."""
        self._packages = packages
        self._by_url = {url: position for position, url in reversed([*enumerate(urls)]) if url}
        self._by_name: dict[tuple[str, str], list[int]] = {}
        self._by_path: dict[str, int] = {}
        """Position by path of a ``package.json``."""
        self._by_library: dict[str, list[int]] = {}
        """RPM packages by file they own: whole path, and base name of libraries."""
        for position, package in enumerate(packages):
            for name in _names(package):
                self._by_name.setdefault((package.type, name), []).append(position)
            if package.type == "npm":
                self._by_path.update((path, position) for path in package.found_in)
            if package.type == "rpm":
                self._note_files(position, package)

    def of(self, position: int) -> tuple[int, ...]:
        """Positions of what the package at ``position`` needs, in order, without itself."""
        package = self._packages[position]
        found = {needed for name in package.depends for needed in self._resolved(package, name)}
        return tuple(sorted(found - {position}))

    def _note_files(self, position: int, package: Package) -> None:
        for path in package.files:
            name = path[path.rfind("/") + 1 :]
            if ".so" in name:
                self._by_library.setdefault(name, []).append(position)
            elif "bin/" in path:
                self._by_library.setdefault(path, []).append(position)

    def _resolved(self, package: Package, name: str) -> Iterator[int]:
        if name in self._by_url:
            yield self._by_url[name]
            return
        if package.type == "npm":
            near = list(self._beside(package, name))
            if near:
                yield from near
                return
        candidates = self._by_name.get((package.type, _folded(package.type, name)), [])
        if not candidates and package.type == "rpm":
            candidates = self._provider(name)
        if len(candidates) > 1:
            candidates = [one for one in candidates if self._packages[one].arch == package.arch]
        if len({self._packages[one].version for one in candidates}) == 1:
            # Copies of one package: that which is nearest.
            yield max(candidates[:_MOST_COPIES], key=lambda one: _nearness(package, self._packages[one]))

    def _beside(self, package: Package, name: str) -> Iterator[int]:
        """As Node.js looks for a module: in ``node_modules`` of the folder, then of those above."""
        for path in package.found_in:
            folder = path.removesuffix("package.json")
            while True:
                found = self._by_path.get(f"{folder}{_FOLDER}{name}/package.json")
                if found is not None:
                    yield found
                    break
                if not folder:
                    break
                parent = folder.rstrip("/").rpartition("/")[0]
                folder = f"{parent}/" if parent else ""

    def _provider(self, name: str) -> list[int]:
        if name.startswith("/"):
            return self._by_library.get(name[1:], []) or self._by_library.get(f"usr{name}", [])
        match = NEEDED_LIBRARY.match(name)
        return self._by_library.get(match["library"], []) if match else []


def _nearness(package: Package, other: Package) -> int:
    """How many folders their places have in common."""
    places = [one.found_in[0].split("/") if one.found_in else [] for one in (package, other)]
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*places, strict=False)))


def _names(package: Package) -> tuple[str, ...]:
    name = _folded(package.type, package.name)
    if package.type == "npm" and package.namespace:
        return (f"{package.namespace}/{name}",)
    if package.type in ("golang", "composer", "swift") and package.namespace:
        return (f"{package.namespace}/{name}",)
    if package.type == "maven" and package.namespace:
        return name, f"{package.namespace}:{name}"
    return (name,)


def _folded(type: str, name: str) -> str:
    return _SEPARATORS.sub("-", name).lower() if type == "pypi" else name


def key_of(path: str) -> str:
    """16 hexadecimal digits that distinguish one file of an image from another."""
    return sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def files_of(package: Package, known: Container[str]) -> Iterator[str]:
    """Those of ``known`` in which ``package`` was found, each once."""
    return filter(None, dict.fromkeys(file_at(place, known) for place in package.found_in))
