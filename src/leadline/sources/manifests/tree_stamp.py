"""Whether anything below some paths has changed, by the size and the time of every file."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

MAX_FILES = 200_000
"""Beyond, changes of further files go unseen."""
Stamp = dict[str, tuple[int, int, int]]
"""Path to size, time of the last change and number of the file."""
_LEFT_OUT = frozenset({".git", "node_modules"})


def stamp_of(targets: Iterable[str]) -> Stamp:
    """The state of every file below ``targets``; what is not there or may not be seen is left out."""
    stamp: Stamp = {}
    for path in _files(targets):
        if len(stamp) >= MAX_FILES:
            break
        try:
            facts = os.stat(path)  # noqa: PTH116 (a path for each of many)
        except OSError:
            continue
        stamp[path] = (facts.st_size, facts.st_mtime_ns, facts.st_ino)
    return stamp


def _files(targets: Iterable[str]) -> Iterator[str]:
    for target in targets:
        if not Path(target).is_dir():
            yield target
        for folder, below, files in os.walk(target):
            below[:] = [name for name in below if name not in _LEFT_OUT]
            yield from (os.path.join(folder, name) for name in files)  # noqa: PTH118 (a path for each of many)
