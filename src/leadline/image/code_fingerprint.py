"""Whether what is cached was made by the code that runs now."""

import os
from collections.abc import Iterator
from functools import cache as once

from leadline.version import __version__

FORM = 2
"""Raised whenever what is cached changes its shape or meaning."""


@once
def code_fingerprint(*more: str) -> str:
    """Changes with the code that catalogues, and that in the folders ``more``.

    By names, sizes and times of its files, as Python itself knows stale bytecode.
    """
    image = os.path.dirname(__file__)  # noqa: PTH120 - before anything heavier is imported
    model = os.path.join(os.path.dirname(image), "model")  # noqa: PTH118, PTH120
    try:
        files = sorted(file for folder in (image, model, *more) for file in _files(folder))
    except OSError:
        files = []
    return f"{FORM} {__version__} {files}"


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of every file of code and data below ``folder``."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            else:
                status = entry.stat()
                yield entry.path, status.st_size, status.st_mtime_ns
