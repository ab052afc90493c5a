"""What renderers answered, for who reads the same files again and again while some of them change."""

from collections.abc import Callable, Hashable, Iterable
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


_MOST_VERSIONS = 4
"""Answers to one question for different contents of its files; the oldest goes first."""


class _Row:
    """One answer, and what those of its files held that changed at some time."""

    __slots__ = ("answer", "checked", "files", "held")

    def __init__(self, files: frozenset[str], answer: Any) -> None:
        self.files = files
        self.answer = answer
        self.held: dict[str, bytes | None] = {}
        self.checked = 0
        """Of the files that changed, how many were looked for among its own."""


class KeptRenders:
    """Answers, each taken again where its files hold what it was made of. Not to be used from several threads at once."""

    def __init__(self, readable: Iterable[str] = ()) -> None:
        """``readable`` are the folders and files, absolute, that hold all that is rendered."""
        self.readable = tuple(readable)
        self.open = ExitStack()
        """Closed with the rest: programs that render one chart after the other."""
        self._rows: dict[Hashable, list[_Row]] = {}
        self._first: dict[str, bytes | None] = {}
        """What files held before they changed for the first time."""
        self._now: dict[str, bytes] = {}
        """What they hold."""
        self._places: dict[str, frozenset[str]] = {}
        """Each of them, and the folders that it is in."""

    def get(self, key: Hashable) -> Any:
        """The answer; ``None`` where there is none for what the files hold now."""
        return next((row.answer for row in self._rows.get(key, ()) if self._is_of_now(row)), None)

    def put(self, key: Hashable, files: Iterable[str], answer: Any) -> None:
        """``files`` are all files and folders, absolute, that ``answer`` was made of."""
        row = _Row(frozenset(str(Path(file)) for file in files), answer)
        for file in self._now:
            if not row.files.isdisjoint(self._places[file]):
                row.held[file] = self._now[file]
        row.checked = len(self._now)
        rows = [one for one in self._rows.get(key, ()) if one.files != row.files or one.held != row.held]
        self._rows[key] = [row, *rows][:_MOST_VERSIONS]

    def once(self, key: Hashable, make: Callable[[], T], files: Iterable[str] = ()) -> T:
        """The answer that is kept, else that of ``make``."""
        found: T | None = self.get(key)
        if found is None:
            found = make()
            self.put(key, files, found)
        return found

    def change(self, file: str, was: bytes | None, now: bytes) -> None:
        """``file``, absolute, which held ``was``, holds ``now``: answers for this are taken, and those for ``was`` kept."""
        self._first.setdefault(file, was)
        self._now[file] = now
        self._places[file] = _places_of(file)

    def forget(self, file: str) -> None:
        """Drops every answer that ``file``, absolute, has a part in."""
        places = _places_of(file)
        for key, rows in list(self._rows.items()):
            left = [row for row in rows if row.files.isdisjoint(places)]
            if left:
                self._rows[key] = left
            else:
                del self._rows[key]

    def close(self) -> None:
        self._rows.clear()
        self.open.close()

    def _is_of_now(self, row: _Row) -> bool:
        if row.checked < len(self._now):
            for file in islice(self._now, row.checked, None):
                if not row.files.isdisjoint(self._places[file]):
                    row.held[file] = self._first[file]
            row.checked = len(self._now)
        return all(self._now[file] == held for file, held in row.held.items())


def _places_of(file: str) -> frozenset[str]:
    return frozenset((file, *map(str, Path(file).parents)))
