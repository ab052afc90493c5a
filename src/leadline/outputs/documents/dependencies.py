"""Which packages of a SBOM need which others, as far as names and places show."""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from leadline.model.package import Package
from leadline.packages.needed_library import NEEDED_LIBRARY

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
