"""Whether what is cached was made by the code that runs now."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache as once
from hashlib import sha256

from leadline.version import __version__

FORM = 2
"""Raised whenever what is cached changes its shape or meaning."""

_METADATA = (".dist-info", ".egg-info")


@once
def code_fingerprint(*more: str) -> str:
    """Changes with the code that catalogues, that in the folders ``more``, the libraries, Python and the program.

    By names, sizes and times of its files, as Python itself knows stale bytecode; where an installer has listed all of them
    with their digests, by that list, since looking at each takes as long as the search for vulnerabilities.
    """
    room = os.path.dirname(__file__)  # noqa: PTH120 - before anything heavier is imported
    package = os.path.dirname(room)  # noqa: PTH120
    installation = digest_of_installation(package)
    try:
        folders = () if installation else (room, f"{package}/model", f"{package}/packages", *more)
        files = sorted(file for folder in folders for file in _files(folder))
    except OSError:
        files = []
    return f"{FORM} {__version__} {sys.version} {installed(sys.path)} {installation} {files}"


def digest_of_installation(package: str) -> str:
    """Of the ``RECORD`` beside the folder ``package``; empty where that was not installed from a wheel.

    A checkout has none beside it (https://packaging.python.org/specifications/recording-installed-packages).
    """
    record = f"{os.path.dirname(package)}/leadline-{__version__}.dist-info/RECORD"  # noqa: PTH120
    try:
        with open(record, "rb") as file:  # noqa: PTH123
            return sha256(file.read()).hexdigest()
    except OSError:
        return ""


def installed(folders: Iterable[str]) -> list[str]:
    """Name and version of every library in ``folders``, from the names of their metadata alone.

    Of all of them: which one has a say in what is found changes with the code, and asking each would import it.
    """
    found: set[str] = set()
    for folder in folders:
        with suppress(OSError, ValueError):
            found.update(name for name in os.listdir(folder or ".") if name.endswith(_METADATA))  # noqa: PTH208
    return sorted(found)


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
