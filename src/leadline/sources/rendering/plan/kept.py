"""What renderers answered, for who reads the same files again and again while some of them change."""

from collections.abc import Callable, Hashable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class KeptRenders:
    """Answers, each taken again until a file changes that it was made of. Not to be used from several threads at once."""

    def __init__(self, readable: Iterable[str] = ()) -> None:
        """``readable`` are the folders and files, absolute, that hold all that is rendered."""
        self.readable = tuple(readable)
        self.open = ExitStack()
        """Closed with the rest: programs that render one chart after the other."""
        self._rows: dict[Hashable, tuple[frozenset[str], Any]] = {}
        self._changed: dict[str, bytes | None] = {}
        """What files held when an answer was asked for last, of those that hold something else now."""

    def get(self, key: Hashable) -> Any:
        """The answer; ``None`` where there is none, or not any more."""
        self._forget_changed()
        row = self._rows.get(key)
        return None if row is None else row[1]

    def put(self, key: Hashable, files: Iterable[str], answer: Any) -> None:
        """``files`` are all files and folders, absolute, that ``answer`` was made of."""
        self._forget_changed()
        self._rows[key] = frozenset(str(Path(file)) for file in files), answer

    def once(self, key: Hashable, make: Callable[[], T], files: Iterable[str] = ()) -> T:
        """The answer that is kept, else that of ``make``."""
        found: T | None = self.get(key)
        if found is None:
            found = make()
            self.put(key, files, found)
        return found

    def change(self, file: str, was: bytes | None, now: bytes) -> None:
        """As ``forget``, once an answer is asked for, unless ``file`` holds by then what it held before."""
        if self._changed.setdefault(file, was) == now:
            del self._changed[file]

    def _forget_changed(self) -> None:
        while self._changed:
            self.forget(self._changed.popitem()[0])

    def forget(self, file: str) -> None:
        """Drops every answer that ``file``, absolute, has a part in."""
        path = Path(file)
        within = {str(path), *map(str, path.parents)}
        stale = [key for key, (files, _) in self._rows.items() if not files.isdisjoint(within)]
        for key in stale:
            del self._rows[key]

    def close(self) -> None:
        self._rows.clear()
        self.open.close()
