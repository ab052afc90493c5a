"""A folder that goes away however its user leaves it: at the end, by an error, by a signal, and if killed outright, later.

Its maker holds a lock on it, which the kernel lets go of when the process is gone, however that ended. A folder
of ours without a lock was left by such a process, and the next that makes one removes it.
"""

import contextlib
import errno
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

if sys.platform != "win32":
    import fcntl

_PREFIX = "leadline-scratch-"
_NAME = re.compile(r"leadline-scratch-\w{8}")
"""As ``mkdtemp`` makes them: what anybody else called so is hardly ours."""
_YOUNG_S = 60.0
"""Between the making of a folder and its lock lies a moment."""
_MOST_LOOKED_AT = 10_000
_FOLDER = (
    os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
)
_STEPS = (os.open, os.unlink, os.rmdir)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new empty folder, free of links in its path, readable by this user alone."""
    place = os.path.realpath(tempfile.gettempdir())
    remove_left_over(place)
    folder = tempfile.mkdtemp(prefix=_PREFIX, dir=place)
    held = _lock(folder)
    try:
        yield Path(folder)
    finally:
        remove_tree(folder)
        if held is not None:
            os.close(held)


def remove_left_over(place: str, young_s: float = _YOUNG_S) -> None:
    """Removes folders in ``place`` that a process of this user made here and did not live to remove.

    Links are not followed, and folders of other users, younger ones and those in use are left alone.
    """
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        for number, entry in enumerate(entries):
            if number >= _MOST_LOOKED_AT:
                break
            if _NAME.fullmatch(entry.name):
                _remove_if_left(entry.path, young_s)


def _remove_if_left(folder: str, young_s: float) -> None:
    held = _lock(folder)
    if held is None:
        return
    try:
        status = os.fstat(held)
        is_ours = status.st_uid == os.geteuid() and status.st_mode & 0o777 == 0o700
        if is_ours and time.time() - status.st_ctime >= young_s:
            remove_tree(folder)
    finally:
        os.close(held)


def _lock(folder: str) -> int | None:
    """Holds ``folder`` as long as the descriptor is open; ``None`` where another does, or it is none or a link."""
    if sys.platform == "win32":
        return None
    try:
        descriptor = os.open(folder, _FOLDER)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def remove_tree(folder: str | Path) -> None:
    """Removes ``folder`` as far as it can be, however deep it is: what is fetched may be nested deeper than any recursion.

    Only two folders are open at a time, and links are removed, not followed.
    """
    if not os.supports_dir_fd.issuperset(_STEPS):
        shutil.rmtree(folder, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        here = os.open(folder, _FOLDER)
        try:
            way: list[_Step] = [_Step("", os.fstat(here), _emptied(here))]
            while way:
                step = way[-1]
                if step.folders:
                    here = _at(here, step.folders.pop(), way)
                    continue
                way.pop()
                if way:
                    here = _above(here, way[-1].status)
                    with contextlib.suppress(OSError):
                        os.rmdir(step.name, dir_fd=here)
        finally:
            os.close(here)
        Path(folder).rmdir()


class _Step(Struct, frozen=True):
    """A folder on the way down from the top."""

    name: str
    status: os.stat_result
    folders: list[str]
    """In it, and still to be removed."""


def _at(here: int, name: str, way: list[_Step]) -> int:
    """The folder ``name`` of ``here`` in place of ``here``, which stays where there is none any more."""
    try:
        below = os.open(name, _FOLDER, dir_fd=here)
    except OSError:
        return here
    os.close(here)
    way.append(_Step(name, os.fstat(below), _emptied(below)))
    return below


def _above(here: int, expected: os.stat_result) -> int:
    """The folder around ``here``, in its place. Raises: ``OSError`` where someone moved it."""
    above = os.open("..", _FOLDER, dir_fd=here)
    if not os.path.samestat(os.fstat(above), expected):
        os.close(above)
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
    os.close(here)
    return above


def _emptied(folder: int) -> list[str]:
    """Removes all from ``folder`` but its folders, which are returned."""
    with os.scandir(folder) as entries:
        names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in names:
        if not is_folder:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
    return [name for name, is_folder in names if is_folder]
