"""Keeps sets of paths small while they are recorded: a folder with too many entries becomes one pattern.

``⋯`` stands for exactly one name, as in the profiles of the ecosystem. What is collapsed is never less than what was seen.
"""

from collections.abc import Iterator

from leadline.model.profile import MANY, Use

ANY = "⋯"
MOST_ENTRIES = 50
_MORE_ENTRIES = {"/etc": 100}
_NUMBERED = ("/proc", "/dev/pts", "/dev/fd", "/sys/fs/cgroup")
_DEEPEST = 64
MOST_PROGRAMS = 16
"""That are named for one thing."""


class UseCount:
    """When and by which programs something was done, while it is counted."""

    __slots__ = ("first_ns", "last_ns", "programs", "times")

    def __init__(self) -> None:
        self.programs: tuple[str, ...] = ()
        self.first_ns = self.last_ns = self.times = 0

    def add(self, program: str, at_ns: int) -> None:
        if not self.times or at_ns < self.first_ns:
            self.first_ns = at_ns
        self.last_ns = max(self.last_ns, at_ns)
        self.times += 1
        if program and program not in self.programs:
            self._name(program)

    def take(self, other: "UseCount") -> None:
        if not other.times:
            return
        self.first_ns = min(self.first_ns, other.first_ns) if self.times else other.first_ns
        self.last_ns = max(self.last_ns, other.last_ns)
        self.times += other.times
        for program in other.programs:
            if program not in self.programs:
                self._name(program)

    def use(self, booted_s: float) -> Use:
        """``booted_s``: when the node was started, since 1970."""
        first_s, last_s = (round(booted_s + ns / 1e9, 3) for ns in (self.first_ns, self.last_ns))
        return Use(self.programs, first_s, last_s, self.times)

    def _name(self, program: str) -> None:
        is_full = len(self.programs) >= MOST_PROGRAMS
        self.programs = (*self.programs[:MOST_PROGRAMS], MANY if is_full else program)


class PathSet:
    """Paths with the flags by which each was opened."""

    def __init__(self, most_entries: int = MOST_ENTRIES) -> None:
        self._root = _Folder()
        self._most = most_entries
        self.collapsed = 0
        """How many folders became a pattern."""

    def add(self, path: str, flags: int = 0, program: str = "", at_ns: int = 0) -> None:
        parts = _parts(path)
        folder, at = self._root, ""
        for part in parts[:_DEEPEST]:
            part = ANY if part.isdigit() and at.startswith(_NUMBERED) else part
            folder = self._child(folder, part, at)
            at += f"/{part}"
        folder.is_file = True
        folder.flags |= flags
        if folder.count is None:
            folder.count = UseCount()
        folder.count.add(program, at_ns)

    def items(self) -> Iterator[tuple[str, int, UseCount]]:
        """Sorted by path."""
        yield from sorted(self._walk(self._root, ""), key=lambda one: one[0])

    def __len__(self) -> int:
        return sum(1 for _ in self._walk(self._root, ""))

    def __contains__(self, path: str) -> bool:
        folders = [self._root]
        for part in _parts(path)[:_DEEPEST]:
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

    def _walk(self, folder: "_Folder", at: str) -> Iterator[tuple[str, int, UseCount]]:
        if folder.is_file and folder.count is not None:
            yield at.removeprefix("//") or "/", folder.flags, folder.count
        for name, child in folder.children.items():
            yield from self._walk(child, f"{at}/{name}")


def _parts(path: str) -> list[str]:
    """A relative path is one name, in a folder without one."""
    return path.lstrip("/").split("/") if path.startswith("/") else ["", path]


class _Folder:
    __slots__ = ("children", "count", "flags", "is_collapsed", "is_file")

    def __init__(self) -> None:
        self.children: dict[str, _Folder] = {}
        self.flags = 0
        self.count: UseCount | None = None
        """Only of what was opened itself."""
        self.is_file = False
        self.is_collapsed = False

    def take(self, other: "_Folder", most: int) -> None:
        """Everything that ``other`` holds as well."""
        self.is_file |= other.is_file
        self.flags |= other.flags
        if other.count is not None:
            self.count = self.count or UseCount()
            self.count.take(other.count)
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
