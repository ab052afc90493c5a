"""The files of a node below a root: ``/``, or where another system is mounted.

Every path is resolved by the kernel as if the root were ``/`` (openat2 with ``RESOLVE_IN_ROOT``), so that no link leads out of
it. Where the kernel has no such call, links are not followed at all.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from leadline.errors import SourceError
from leadline.model.host import FileFact, Ownership

MOST_BYTES = 1 << 20
"""Of a file whose content is looked at."""
MOST_NAMES = 5_000
"""Of one folder."""
_OPENAT2 = 437
"""The number is the same on every architecture: https://man7.org/linux/man-pages/man2/openat2.2.html."""
_IN_ROOT = 0x10 | 0x02
"""``RESOLVE_IN_ROOT`` and ``RESOLVE_NO_MAGICLINKS``."""
_SAFE = os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class RootTree:
    """Raises ``SourceError`` where the folder is missing. To be closed."""

    def __init__(self, root: str) -> None:
        try:
            self._root = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise SourceError(
                f"cannot read the root {root}: {why}", hint="give the folder with --root"
            ) from error
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._has_openat2 = True
        self._users = self._names("/etc/passwd")
        self._groups = self._names("/etc/group")

    def close(self) -> None:
        os.close(self._root)

    def fact(self, path: str) -> FileFact | None:
        """The file or folder at ``path``, links followed; ``None`` where there is none. Raises: ``OSError``."""
        try:
            with self._opened(path, os.O_PATH) as descriptor:
                status = os.fstat(descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return None
        owner = Ownership(
            status.st_uid,
            status.st_gid,
            self._users.get(status.st_uid, "root" if status.st_uid == 0 else ""),
            self._groups.get(status.st_gid, "root" if status.st_gid == 0 else ""),
        )
        return FileFact(path, stat.S_IMODE(status.st_mode), owner)

    def is_folder(self, path: str) -> bool:
        """Raises: ``OSError``, save where there is nothing."""
        try:
            with self._opened(path, os.O_PATH) as descriptor:
                return stat.S_ISDIR(os.fstat(descriptor).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def read(self, path: str, most: int = MOST_BYTES) -> bytes | None:
        """What the file holds, ``None`` where there is none. Raises: ``OSError``, also for more than ``most`` bytes."""
        try:
            with self._opened(path, os.O_RDONLY | _SAFE) as descriptor:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(errno.EINVAL, "it is not a regular file")
                parts = []
                left = most + 1
                while left > 0 and (part := os.read(descriptor, left)):
                    parts.append(part)
                    left -= len(part)
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            return None
        if left <= 0:
            raise OSError(errno.EFBIG, f"larger than {most:,} bytes")
        return b"".join(parts)

    def names(self, path: str, most: int = MOST_NAMES) -> list[str]:
        """The names in a folder, sorted; empty where there is none. Raises: ``OSError``, also for more than ``most``."""
        found: list[str] = []
        try:
            with (
                self._opened(path, os.O_RDONLY | os.O_DIRECTORY | _SAFE) as descriptor,
                os.scandir(descriptor) as entries,
            ):
                for entry in entries:
                    found.append(entry.name)
                    if len(found) > most:
                        raise OSError(errno.EFBIG, f"more than {most:,} files")
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(found)

    @contextmanager
    def _opened(self, path: str, flags: int) -> Iterator[int]:
        descriptor = self._open(path, flags | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, path: str, flags: int) -> int:
        if "\0" in path:
            raise OSError(errno.EINVAL, "a path holds a zero byte")
        if self._has_openat2:
            how = _How(flags, 0, _IN_ROOT)
            got = self._libc.syscall(
                ctypes.c_long(_OPENAT2),
                ctypes.c_int(self._root),
                ctypes.c_char_p(os.fsencode(path)),
                ctypes.byref(how),
                ctypes.c_size_t(ctypes.sizeof(how)),
            )
            if got >= 0:
                return int(got)
            number = ctypes.get_errno()
            if number not in (errno.ENOSYS, errno.EPERM):
                raise OSError(number, os.strerror(number), path)
            self._has_openat2 = False
        return self._open_without_links(path, flags)

    def _open_without_links(self, path: str, flags: int) -> int:
        steps = [step for step in path.split("/") if step not in ("", ".")]
        if ".." in steps:
            raise OSError(errno.EINVAL, "a path leads upwards")
        at = os.dup(self._root)
        try:
            for step in steps[:-1]:
                below = os.open(step, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
                os.close(at)
                at = below
            last = steps[-1] if steps else "."
            return os.open(last, flags | os.O_NOFOLLOW, dir_fd=at)
        finally:
            os.close(at)

    def _names(self, path: str) -> dict[int, str]:
        """Names by id, as ``/etc/passwd`` and ``/etc/group`` write them."""
        try:
            content = self.read(path) or b""
        except OSError:
            return {}
        found: dict[int, str] = {}
        for line in content.decode("utf-8", "replace").splitlines():
            fields = line.split(":")
            if len(fields) > 2 and fields[2].isascii() and fields[2].isdigit():
                found.setdefault(int(fields[2]), fields[0])
        return found
