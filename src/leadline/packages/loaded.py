"""Which packages a container loaded while it ran, as far as the files that it opened or an SBOM of what it loaded show."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from leadline.model.package import DISTRIBUTION_TYPES, Package

ANY_SEGMENT = "\u22ef"
"""What recorded profiles write for one part of a path that differs from time to time."""
ANY_PATH = "*"
"""Stands for whatever follows."""
_BY_PATH = frozenset(("cargo", "golang", "maven"))
"""Found in the file itself that is loaded: a program, an archive."""

_Node = dict[str, "_Node"]
_END = ""


class Loaded:
    """What was loaded: files, or packages of another SBOM."""

    def __init__(self, paths: Iterable[str] = (), packages: Iterable[Package] = ()) -> None:
        """``paths`` from the root, a slash in front or not; parts may be ``ANY_SEGMENT``, the last ``ANY_PATH``."""
        self._root: _Node = {}
        self._packages = frozenset(map(_identity, packages))
        state = sha256()
        for path in sorted(set(paths)):
            state.update(path.encode("utf-8", "surrogatepass") + b"\0")
            node = self._root
            for part in path.strip("/").split("/"):
                node = node.setdefault(part, {})
            node[_END] = {}
        self.digest = state.hexdigest() if self._root else ""
        """Of the paths; empty without any."""

    def has(self, path: str) -> bool:
        """Whether the file was opened; those below ``/usr`` may be listed without it."""
        parts = path.split("/")
        return _leads_to(self._root, parts, is_folder=False) or _leads_to(
            self._root, ["usr", *parts], is_folder=False
        )

    def has_below(self, folder: str) -> bool:
        """Whether a file in the folder or below it was opened."""
        return _leads_to(self._root, folder.strip("/").split("/"), is_folder=True)

    def useful_files(self, files: Sequence[str]) -> Iterator[str]:
        """Those of a package that were opened, else one, which says that they are known."""
        opened = [path for path in files if self.has(path)] if self._root else []
        yield from opened or (files[:1] if self._root else ())

    def is_loaded(self, package: Package) -> bool | None:
        """``None`` where it cannot be known."""
        if self._packages:
            return _identity(package) in self._packages
        if package.type in DISTRIBUTION_TYPES:
            return any(map(self.has, package.files)) if package.files else None
        place = package.found_in[0].partition(":")[0] if package.found_in else ""
        if not place:
            return None
        if package.type == "npm":
            return self._has_of_npm(place)
        is_opened = self.has(place) or any(map(self.has_below, _folders(package, place)))
        return is_opened or (False if package.type in _BY_PATH else None)

    def _has_of_npm(self, place: str) -> bool | None:
        """Node.js reads the files of a module, but ``node_modules`` below it hold other modules."""
        folder, _, name = place.rpartition("/")
        if name != "package.json":
            return None
        node: _Node | None = self._root
        for part in folder.split("/"):
            node = (node.get(part) or node.get(ANY_SEGMENT)) if node is not None else None
        return node is not None and any(part != "node_modules" for part in node)


def _identity(package: Package) -> tuple[str, str, str]:
    """Other tools may write other namespaces."""
    return package.type, package.name.lower(), package.version


def _leads_to(node: _Node, parts: list[str], *, is_folder: bool) -> bool:
    for place, part in enumerate(parts):
        if ANY_PATH in node:
            return True
        rest = parts[place + 1 :]
        if ANY_SEGMENT in node and _leads_to(node[ANY_SEGMENT], rest, is_folder=is_folder):
            return True
        if part not in node:
            return False
        node = node[part]
    return is_folder or _END in node


def _folders(package: Package, place: str) -> Iterator[str]:
    """What interpreters read of the package lies there; a Python package may bring modules of other names than its own."""
    folder = place.rpartition("/")[0]
    if package.type == "pypi":
        names = {package.name, package.name.replace("-", "_"), package.name.lower().replace("-", "_")}
        for name in sorted(names):
            yield f"{folder.rpartition('/')[0]}/{name}"
            yield f"{folder.rpartition('/')[0]}/{name}.py"
    elif package.type == "gem" and folder.endswith("specifications"):
        yield f"{folder.removesuffix('specifications')}gems/{package.name}-{package.version}"
