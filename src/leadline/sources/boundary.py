"""What belongs to what is scanned: the one place that decides whether a path may be read.

Manifests, charts, archives, dependencies, kustomizations and git checkouts all ask here. Where a limit is reached the answer is negative.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from leadline.sources.regular_file import kind_of

_ENTRIES = 50_000
"""Of one folder, with what is below it and what its links lead to."""


class Refusal(Struct, frozen=True):
    path: str
    why: str


class Boundary(Struct, frozen=True):
    """A folder, and what lies below it once every link is followed."""

    top: str
    """Absolute and free of links."""

    def holds(self, path: str | Path) -> bool:
        """Whether ``path``, with all links in it followed, is the folder or below it."""
        real = os.path.realpath(path)
        return real == self.top or real.startswith(self.top.rstrip(os.sep) + os.sep)

    def held(self, folder: str, paths: Iterable[str]) -> Iterator[str]:
        """Those of ``paths``, relative to ``folder``, that it holds. The folders between are followed once for all in them."""
        known: dict[str, bool] = {}
        for path in paths:
            inside = path.rpartition("/")[0]
            if inside not in known:
                known[inside] = self.holds(Path(folder, inside))
            is_link = Path(folder, path).is_symlink()
            if self.holds(Path(folder, path)) if is_link else known[inside]:
                yield path

    def refusal(self, path: str | Path, entries: int = _ENTRIES) -> Refusal | None:
        """Why ``path`` may not be handed to a program that follows links and opens all it finds; ``None`` if it may.

        A folder is looked through with what its links lead to: a link that leads out, a pipe, a socket or a device
        refuse it, as do more than ``entries`` files.
        """
        if not self.holds(path):
            return Refusal(str(path), "it leads out of the scanned folder")
        waiting = [str(path)]
        seen: set[tuple[int, int]] = set()
        count = 0
        while waiting:
            for found, is_link, status in _entries_of(waiting.pop()):
                count += 1
                if count > entries:
                    return Refusal(
                        str(path), f"more than {entries:,} files to look through for links that lead out"
                    )
                # What is no link lies where its folder does, which was asked about.
                if is_link and not self.holds(found):
                    return Refusal(found, "a symbolic link leads out of the scanned folder")
                if status is None:
                    continue
                if stat.S_ISDIR(status.st_mode):
                    if (status.st_dev, status.st_ino) not in seen:
                        seen.add((status.st_dev, status.st_ino))
                        waiting.append(found)
                elif not stat.S_ISREG(status.st_mode):
                    return Refusal(found, f"it is {kind_of(status.st_mode)}, not a file")
        return None


def boundary_of(folder: str | Path) -> Boundary:
    return Boundary(os.path.realpath(folder))


def _entries_of(folder: str) -> Iterator[tuple[str, bool, os.stat_result | None]]:
    """Paths in ``folder``, whether they are links, and the status of what they lead to; ``None`` for a link to nothing.

    A file represents a folder with itself in it, and what cannot be looked into an empty one.
    """
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    yield entry.path, entry.is_symlink(), entry.stat()
                except OSError:
                    yield entry.path, entry.is_symlink(), None
    except NotADirectoryError:
        yield folder, False, Path(folder).stat()
    except OSError:
        return
