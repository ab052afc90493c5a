"""Which packages a container loaded while it ran, as far as the files that it opened or an SBOM of what it loaded show."""

from collections.abc import Iterable, Iterator, Sequence

from leadline.model.package import DISTRIBUTION_TYPES, Package
from leadline.packages.code_files import is_code, source_of

ANY_SEGMENT = "\u22ef"
"""What recorded profiles write for one part of a path that differs from time to time."""
ANY_PATH = "*"
"""Stands for whatever follows."""
_ARCHIVES = (".jar", ".war", ".ear", ".par", ".sar", ".hpi", ".jpi", ".kar")
_DECLARING = (
    ".mod",
    ".sum",
    ".lock",
    ".toml",
    ".json",
    ".xml",
    ".gradle",
    ".yaml",
    ".yml",
    ".txt",
    ".properties",
    ".MF",
)
"""What names packages without holding them."""

_NONE: tuple[str, ...] = ()
_Node = dict[str, "_Node"]
_END = ""


class Loaded:
    """What was loaded: files, or packages of another SBOM."""

    def __init__(
        self, paths: Iterable[str] = (), packages: Iterable[Package] = (), *, is_complete: bool = True
    ) -> None:
        """``paths`` from the root, a slash in front or not; parts may be ``ANY_SEGMENT``, the last ``ANY_PATH``.

        ``is_complete``: whether these are all, so that what is not among them was not loaded.
        """
        self._root: _Node = {}
        self._files: set[str] = set()
        self._folders: dict[str, tuple[str, ...]] = {}
        """Those of which any file that ends so may have been loaded."""
        self._has_patterns = False
        self._packages = frozenset(map(_identity, packages))
        self._otherwise = False if is_complete else None
        for path in paths:
            parts = source_of(path).strip("/").split("/")
            node = self._root
            for part in parts:
                node = node.setdefault(part, {})
            node[_END] = {}
            self._remember(parts)

    def _remember(self, parts: list[str]) -> None:
        is_folder = parts[-1].startswith(ANY_SEGMENT)
        if ANY_PATH in parts or ANY_SEGMENT in parts[:-1]:
            self._has_patterns = True
            return
        name = "/".join(parts[:-1] if is_folder else parts)
        # Packages may list without it what lies below /usr.
        for one in (name, name.removeprefix("usr/")):
            if is_folder:
                ending = parts[-1].removeprefix(ANY_SEGMENT)
                self._folders[one] = (*self._folders.get(one, ()), ending)
            else:
                self._files.add(one)

    def has(self, path: str) -> bool:
        """Whether the file was loaded; those below ``/usr`` may be listed without it."""
        if path in self._files or path.endswith(self._folders.get(path.rpartition("/")[0], _NONE)):
            return True
        if not self._has_patterns:
            return False
        parts = path.split("/")
        return _leads_to(self._root, parts, is_folder=False) or _leads_to(
            self._root, ["usr", *parts], is_folder=False
        )

    def _has_code(self, files: Sequence[str]) -> bool:
        if any(map(is_code, self._files.intersection(files))):
            return True
        is_vague = self._folders or self._has_patterns
        return bool(is_vague) and any(self.has(path) and is_code(path) for path in files)

    def has_below(self, folder: str) -> bool:
        """Whether a file in the folder or below it was opened."""
        return _leads_to(self._root, folder.strip("/").split("/"), is_folder=True)

    def is_loaded(self, package: Package) -> bool | None:
        """``None`` where it cannot be known. ``package`` comes with the code files that its own list names."""
        if self._packages:
            return _identity(package) in self._packages or self._otherwise
        place = package.found_in[0].partition(":")[0] if package.found_in else ""
        if package.type == "npm":
            return self._has_of_npm(place)
        folder = _own_folder(package, place)
        if folder:
            return self.has_below(folder) or self._otherwise
        if any(map(is_code, package.files)):
            return self._has_code(package.files) or self._otherwise
        if package.type in DISTRIBUTION_TYPES or not place:
            return None  # data alone, or nothing is known of its files
        if self.has(place) or any(map(self.has_below, _guessed(package, place))):
            return True
        is_itself = place.endswith(_ARCHIVES) or not (place.endswith(_DECLARING) or package.type == "pypi")
        return self._otherwise if is_itself and package.type != "gem" else None

    def _has_of_npm(self, place: str) -> bool | None:
        """Node.js reads the files of a module, but ``node_modules`` below it hold other modules."""
        folder, _, name = place.rpartition("/")
        if name != "package.json":
            return None
        node: _Node | None = self._root
        for part in folder.strip("/").split("/") if folder else ():
            node = (node.get(part) or node.get(ANY_SEGMENT)) if node is not None else None
        # Node.js reads package.json on the way to any file of the folder, and to those of others.
        return (
            bool(node and any(part not in ("node_modules", "package.json") for part in node))
            or self._otherwise
        )


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


def _own_folder(package: Package, place: str) -> str:
    """The folder that holds the files of this package and of no other, where its kind has one."""
    folder, _, name = place.rpartition("/")
    if package.type == "gem" and folder.endswith("/specifications"):
        return f"{folder.removesuffix('specifications')}gems/{name.removesuffix('.gemspec')}"
    if package.type == "composer" and name == "installed.json" and folder.endswith("/composer"):
        return f"{folder.removesuffix('/composer')}/{package.namespace}/{package.name}"
    return ""


def _guessed(package: Package, place: str) -> Iterator[str]:
    """Of a Python package that lists no files: modules called like it; it may bring others."""
    if package.type == "pypi":
        site = place.rpartition("/")[0].rpartition("/")[0]
        name = package.name.replace("-", "_")
        for one in sorted({package.name, name, name.lower()}):
            yield f"{site}/{one}"
            yield f"{site}/{one}.py"
