"""Keeps sets of paths small while they are recorded: a folder with too many entries becomes one pattern.

``⋯`` stands for exactly one name, as in the profiles of the ecosystem. What is collapsed is never less than what was seen.
"""

from collections.abc import Iterator

ANY = "⋯"
MOST_ENTRIES = 50
_MORE_ENTRIES = {"/etc": 100}
_NUMBERED = ("/proc", "/dev/pts", "/dev/fd", "/sys/fs/cgroup")
_DEEPEST = 64


class PathSet:
    """Paths with the flags by which each was opened."""

    def __init__(self, most_entries: int = MOST_ENTRIES) -> None:
        self._root = _Folder()
        self._most = most_entries
        self.collapsed = 0
        """How many folders became a pattern."""

    def add(self, path: str, flags: int = 0) -> None:
        parts = path.split("/")[1:] if path.startswith("/") else [path]
        folder, at = self._root, ""
        for part in parts[:_DEEPEST]:
            part = ANY if part.isdigit() and at.startswith(_NUMBERED) else part
            folder = self._child(folder, part, at)
            at += f"/{part}"
        folder.is_file = True
        folder.flags |= flags

    def items(self) -> Iterator[tuple[str, int]]:
        """Sorted."""
        yield from sorted(self._walk(self._root, ""))

    def __len__(self) -> int:
        return sum(1 for _ in self._walk(self._root, ""))

    def __contains__(self, path: str) -> bool:
        folders = [self._root]
        for part in path.split("/")[1:][:_DEEPEST] if path.startswith("/") else [path]:
            inner = (folder.children for folder in folders)
            folders = [one for children in inner for one in (children.get(part), children.get(ANY)) if one]
        return any(folder.is_file for folder in folders)

    def _child(self, folder: "_Folder", part: str, at: str) -> "_Folder":
        any_child = folder.children.get(ANY)
        if folder.is_collapsed and any_child is not None:
            return any_child
        child = folder.children.get(part)
        if child is not None:
            return child
        if len(folder.children) < _MORE_ENTRIES.get(at, self._most) or not at:
            child = folder.children[part] = _Folder()
            return child
        self.collapsed += 1
        merged = _Folder()
        for one in folder.children.values():
            merged.take(one, self._most)
        folder.children = {ANY: merged}
        folder.is_collapsed = True
        return merged

    def _walk(self, folder: "_Folder", at: str) -> Iterator[tuple[str, int]]:
        if folder.is_file:
            yield at or "/", folder.flags
        for name, child in folder.children.items():
            yield from self._walk(child, f"{at}/{name}")


class _Folder:
    __slots__ = ("children", "flags", "is_collapsed", "is_file")

    def __init__(self) -> None:
        self.children: dict[str, _Folder] = {}
        self.flags = 0
        self.is_file = False
        self.is_collapsed = False

    def take(self, other: "_Folder", most: int) -> None:
        """Everything that ``other`` holds as well."""
        self.is_file |= other.is_file
        self.flags |= other.flags
        for name, child in other.children.items():
            if self.is_collapsed:
                self.children[ANY].take(child, most)
                continue
            self.children.setdefault(name, _Folder()).take(child, most)
            if len(self.children) > most:
                merged = _Folder()
                for one in self.children.values():
                    merged.take(one, most)
                self.children = {ANY: merged}
                self.is_collapsed = True
