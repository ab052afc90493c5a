"""Files that others put there, opened so that nothing blocks: a pipe, a socket or a device is not a file to read.

What is asked before the opening may have changed by then, so the open file itself is asked.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from leadline.errors import SourceError

_USUAL_BYTES = 1 << 16


class TooLargeError(OSError):
    """The file holds more than may be read of it."""

    def __init__(self, path: str, most: int) -> None:
        size = f"{most >> 20:,} MiB" if most and not most % (1 << 20) else f"{most:,} bytes"
        super().__init__(errno.EFBIG, f"it is larger than {size}", path)


class NotRegularError(OSError):
    """The path names a pipe, a socket, a device or a folder."""

    def __init__(self, path: str, mode: int) -> None:
        super().__init__(errno.EINVAL, f"it is {kind_of(mode)}, not a file", path)


def open_regular(path: str | Path) -> BinaryIO:
    """The file at ``path``, open for reading; links are followed.

    Raises: ``OSError``, among them ``NotRegularError``.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0))
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise NotRegularError(str(path), mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | Path, most: int) -> bytes:
    """The first ``most`` bytes of a regular file.

    Raises: ``OSError``, among them ``NotRegularError``.
    """
    with open_regular(path) as file:
        return read_most(file, most)


def read_most(file: BinaryIO, most: int) -> bytes:
    """The next ``most`` bytes. Python sets all of them aside before it reads, and most files are small."""
    start = file.read(min(most, _USUAL_BYTES))
    return start if len(start) < _USUAL_BYTES else start + file.read(most - len(start))


def read_whole(path: str | Path, most: int) -> bytes:
    """All of a regular file, where a part of it would say something else.

    Raises: ``OSError``, among them ``NotRegularError``, and ``TooLargeError`` for one of more than ``most`` bytes.
    """
    content = read_regular(path, most + 1)
    if len(content) > most:
        raise TooLargeError(str(path), most)
    return content


def read_given(path: str | Path, most: int) -> bytes:
    """The same of a file that a person named. Raises: ``SourceError``, which says why it cannot be read."""
    try:
        return read_whole(path, most)
    except OSError as error:
        why = error.strerror or str(error)
        raise SourceError(f"cannot read {path}: {why[:1].lower()}{why[1:]}") from error


def is_regular(path: str | Path) -> bool:
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def kind_of(mode: int) -> str:
    """What a path with this mode is, with its article."""
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "no regular file"


def files_below(folder: Path, pattern: str) -> list[Path]:
    """In order. A mounted ConfigMap has each file twice: as a link, and in the hidden folder ``..DATE`` it leads to."""
    found = sorted(folder.rglob(pattern))
    return [path for path in found if not any(p.startswith("..") for p in path.relative_to(folder).parts)]
