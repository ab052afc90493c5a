"""Reads parts of a node, and keeps account of what could not be read."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from leadline.model.host import FileFact, UnreadFact
from leadline.sources.host.root_tree import RootTree
from leadline.sources.yaml.parser import Limits, parse_documents

T = TypeVar("T")
MOST_FILES = 2_000
_DEEPEST = 8
_LIMITS = Limits(size_bytes=1 << 20, documents=100, nodes=50_000, alias_nodes=5_000, depth=60)
_RIGHT = "run it as root, or give the container the right to read the path"


class Gathering:
    """One reading of one object's facts."""

    def __init__(self, tree: RootTree) -> None:
        self.tree = tree
        self._unread: dict[tuple[str, str], UnreadFact] = {}

    @property
    def unread(self) -> tuple[UnreadFact, ...]:
        return tuple(self._unread.values())

    def miss(self, field: str, path: str, why: str, hint: str = "") -> None:
        self._unread.setdefault((field, path), UnreadFact(field, path, why, hint))

    def tried(self, field: str, path: str, read: Callable[[], T], instead: T) -> T:
        """What ``read`` gives; ``instead`` where that fails, which is then among what was not read."""
        try:
            return read()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            self.miss(field, path, why, _RIGHT if isinstance(error, PermissionError) else "")
            return instead

    def file(self, field: str, *paths: str) -> FileFact | None:
        """The first of ``paths`` that is there."""
        for path in filter(None, paths):
            found = self.tried(field, path, lambda path=path: self.tree.fact(path), None)  # type: ignore[misc]
            if found is not None:
                return found
        return None

    def files(self, field: str, paths: Iterable[str]) -> tuple[FileFact, ...]:
        return tuple(found for path in paths if (found := self.file(field, path)) is not None)

    def below(self, field: str, folder: str, depth: int = _DEEPEST) -> list[str]:
        """The paths of the files in ``folder`` and below it, sorted by folder."""
        found: list[str] = []
        nothing: list[str] = []
        for name in self.tried(field, folder, lambda: self.tree.names(folder), nothing):
            path = f"{folder.rstrip('/')}/{name}"
            if self.tried(field, path, lambda path=path: self.tree.is_folder(path), False):  # type: ignore[misc]
                if depth <= 1:
                    self.miss(field, path, "folders are nested too deeply")
                    continue
                found += self.below(field, path, depth - 1)
            else:
                found.append(path)
            if len(found) > MOST_FILES:
                self.miss(field, folder, f"more than {MOST_FILES:,} files")
                return found[:MOST_FILES]
        return found

    def content(self, field: str, path: str) -> bytes | None:
        """What the file holds; ``None`` where there is none that can be read."""
        return self.tried(field, path, lambda: self.tree.read(path), None)

    def document(self, field: str, path: str) -> dict[str, Any] | None:
        """The first document of a YAML or JSON file; ``None`` where there is none that can be read."""
        content = self.content(field, path)
        if content is None:
            return None
        for document in parse_documents(content, _LIMITS):
            if document.problem is not None:
                self.miss(field, path, document.problem.why)
                return None
            if isinstance(document.body, dict):
                return document.body
        return None
