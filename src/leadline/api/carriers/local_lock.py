"""The file beside a store that keeps other processes out, and remembers the newest revision that the store has given.

A store that holds less than that is an older copy, put in the place of the one that was served: if it continued where it
is, it would give revisions again that clients know.
"""

import errno
import fcntl
import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from leadline.errors import StoreError

_DIGITS = 20
_TOO_LARGE = 10**17
"""No clock of microseconds comes near it for a thousand years: the file is damaged."""


class Lock:
    """Held until the process ends or ``resources`` are closed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        content = os.pread(file.fileno(), _DIGITS, 0)
        newest = int(content) if content.isdigit() else 0
        self.newest = newest if newest < _TOO_LARGE else 0
        """Given by the store that was served here last; 0 where that is not known."""

    def remember(self, revision: int) -> None:
        """After each commit; what a crash takes of it is missed by nothing."""
        with suppress(OSError):
            os.pwrite(self._file.fileno(), b"%0*d" % (_DIGITS, revision), 0)


def lock(path: Path, resources: ExitStack) -> Lock | None:
    """``None`` where the store cannot be written. Raises: ``StoreError`` where another process has it."""
    folder = path.parent
    if not folder.is_dir():
        raise StoreError(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return None
    try:
        # Neither truncated nor appended to: what it remembers is of use only to whom the lock is given.
        descriptor = os.open(folder / f"{path.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        file = resources.enter_context(os.fdopen(descriptor, "r+b", buffering=0))
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreError(f"the store {path} is in use by another process") from error
    except OSError as error:
        if error.errno == errno.EROFS:
            return None
        raise StoreError(f"cannot open the store {path}: {(error.strerror or str(error)).lower()}") from error
    return Lock(file)
