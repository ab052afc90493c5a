"""What all cataloguers ask for as tables: one look per file says who reads it and whether it is kept."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from leadline.packages.late_pattern import late_pattern
from leadline.packages.name_endings import NameEndings
from leadline.sbom.cataloguer import Cataloguer

_MOST_NAMES = 1_000
_NOWHERE = "\0"
"""A folder that no image has and no cataloguer asks for."""


class FileInterest(Struct, frozen=True, gc=False):
    """What is to be done with one file."""

    readers: tuple[int, ...] = ()
    """Positions of the cataloguers that read it."""
    is_kept: bool = False
    """Whether its content must outlast the layer: a reader asks for the whole tree, or it lies beside another file."""


class _Table:
    """From a key to readers, and the keys that are only kept."""

    def __init__(self) -> None:
        self.readers: dict[str, tuple[int, ...]] = {}
        self.kept: set[str] = set()

    def add(self, keys: Iterable[str], reader: int) -> None:
        for key in keys:
            self.readers[key] = (*self.readers.get(key, ()), reader)


class FileSelector:
    """Compiled from ``cataloguers``, whose positions are what ``FileInterest.readers`` holds."""

    def __init__(self, cataloguers: Sequence[Cataloguer], kept_paths: Iterable[str] = ()) -> None:
        self.cataloguers = tuple(cataloguers)
        self.executables = tuple(i for i, one in enumerate(cataloguers) if one.executables)
        self._programs = late_pattern("|".join(one.programs for one in cataloguers if one.programs))
        self._paths, self._names, self._folders = _Table(), _Table(), _Table()
        self._patterns: list[tuple[str, str, int]] = []
        self._endings: dict[str, tuple[int, ...]] = {}
        self._folder_endings: dict[str, tuple[int, ...]] = {}
        self._kept_endings: set[str] = set()
        self._kept_in: dict[str, tuple[str, ...]] = {}
        self._paths.kept.update(kept_paths)
        for position, one in enumerate(cataloguers):
            self._paths.add(one.paths, position)
            self._names.add((name for name in one.names if "*" not in name), position)
            halves = (name.partition("*") for name in one.names if "*" in name)
            self._patterns += [(start, end, position) for start, _, end in halves]
            for folder in one.folders:
                if folder.startswith("*/"):
                    ending = folder[1:].rstrip("/")
                    self._folder_endings[ending] = (*self._folder_endings.get(ending, ()), position)
                else:
                    self._folders.add((folder.rstrip("/"),), position)
            for ending in one.suffixes:
                self._endings[ending] = (*self._endings.get(ending, ()), position)
            for pattern in one.beside:
                self._add_beside(pattern)
        self.exact_paths = frozenset(self._paths.readers.keys() | self._paths.kept)
        """Files wanted by their whole path."""
        self._of_names: dict[str, FileInterest | None] = {}
        """Of files that are wanted by their name alone: an image has hundreds of one name."""
        self._quick_names = self._names.readers.keys() | self._names.kept
        self._quick_folders = self._folders.readers.keys() | self._kept_in.keys()
        self._quick_folder_endings = tuple(self._folder_endings)
        self._quick_endings = NameEndings(self._endings.keys() | self._kept_endings)

    def of(self, path: str) -> FileInterest | None:
        """The interest for the file at ``path``, executables aside; ``None`` where nothing asks for it."""
        folder, _, name = path.rpartition("/")
        if self.may_match_folder(folder) or path in self.exact_paths:
            return self._collect(path, folder, name)
        if not self.may_match_name(name):
            return None
        if name not in self._of_names:
            if len(self._of_names) >= _MOST_NAMES:
                self._of_names.clear()
            self._of_names[name] = self._collect("", _NOWHERE, name)
        return self._of_names[name]

    def is_program(self, name: str) -> bool:
        """Whether a cataloguer knows executables with this base name."""
        return self._programs.fullmatch(name) is not None

    def may_match_name(self, name: str) -> bool:
        """Whether something may ask for a file with this base name, wherever it lies."""
        return (
            name in self._quick_names
            or self._quick_endings.end(name)
            or (bool(self._patterns) and bool(self._fitting(name)))
        )

    def may_match_folder(self, folder: str) -> bool:
        """Whether something may ask for a file directly below ``folder``, whatever its name."""
        return folder in self._quick_folders or f"/{folder}".endswith(self._quick_folder_endings)

    def paths(self) -> dict[str, tuple[int, ...]]:
        """Every path that a cataloguer asks for by its whole name."""
        return dict(self._paths.readers)

    def _collect(self, path: str, folder: str, name: str) -> FileInterest | None:
        readers = {
            *self._paths.readers.get(path, ()),
            *self._names.readers.get(name, ()),
            *self._folders.readers.get(folder, ()),
            *self._fitting(name),
        }
        for ending, positions in self._endings.items():
            if name.endswith(ending):
                readers.update(positions)
        for ending, positions in self._folder_endings.items():
            if f"/{folder}".endswith(ending):
                readers.update(positions)
        is_kept = (
            path in self._paths.kept
            or name in self._names.kept
            or name.endswith(tuple(self._kept_endings))
            or name.endswith(self._kept_in.get(folder, ()))
            or any(self.cataloguers[reader].takes_tree for reader in readers)
        )
        return FileInterest(tuple(sorted(readers)), is_kept) if readers or is_kept else None

    def _fitting(self, name: str) -> list[int]:
        return [
            position
            for start, end, position in self._patterns
            if name.startswith(start) and name.endswith(end) and len(name) >= len(start) + len(end)
        ]

    def _add_beside(self, pattern: str) -> None:
        folder, _, name = pattern.rpartition("/")
        if name.startswith("*") and folder:
            self._kept_in[folder] = (*self._kept_in.get(folder, ()), name[1:])
        elif name.startswith("*"):
            self._kept_endings.add(name[1:])
        elif folder:
            self._paths.kept.add(pattern)
        else:
            self._names.kept.add(name)
