"""Remembers what was found in layers and images, in a folder of bounded size.

Several processes may share the folder: entries appear by renaming, carry their own digest, and are
forgotten oldest use first. Whatever cannot be read, written or believed counts as not there, and so does what
another user could have put there: what is cached decides verdicts.
"""
# Importing pathlib takes as long as all else that a known answer needs.
# ruff: noqa: PTH103, PTH108, PTH119, PTH123

import hashlib
import os
import stat
from contextlib import suppress

from leadline.log import log_of
from leadline.sources.private_place import why_not_private

DEFAULT_BYTES = 1 << 30
LARGEST_ENTRY = 256 << 20
MARK = b"leadline layer 1\n"
DIGEST_BYTES = 32
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
PARTIAL = ".part"
PARTIAL_SECONDS = 3600
"""A partial file older than this was left by a process that died."""


class LayerCache:
    """Entries of ``folder``, together at most ``limit_bytes``. Reads as ``image.sbom.Cache``."""

    def __init__(self, folder: os.PathLike[str] | str, limit_bytes: int = DEFAULT_BYTES) -> None:
        self._folder = os.fspath(folder)
        self._limit_bytes = limit_bytes

    def why_unusable(self) -> str:
        """Why nothing that is cached may be believed; empty where it may, or where nothing is there yet."""
        try:
            why = why_not_private(os.stat(self._folder))  # noqa: PTH116
        except OSError:
            return ""
        return f"the cache {self._folder} is not used: {why}" if why else ""

    def get(self, key: str) -> bytes | None:
        """What was put under ``key``; ``None`` where it is not there or harmed."""
        path = self._path(key)
        try:
            # A pipe put there would otherwise wait for a writer.
            with open(os.open(path, _FLAGS), "rb", buffering=0) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode) or why_not_private(status):
                    return None
                head = file.read(len(MARK) + DIGEST_BYTES)
                # Not by the limit: as much memory would be taken first.
                content = file.read(min(status.st_size, LARGEST_ENTRY))
            os.utime(path)
        except OSError:
            return None
        if head != _head(key, content):
            log_of(__name__).debug("ignored a harmed entry of the layer cache: %s", os.path.basename(path))
            _remove(path)
            return None
        return content

    def put(self, key: str, content: bytes) -> None:
        """Remembers ``content``, unless it is larger than a quarter of the whole."""
        if len(content) > min(LARGEST_ENTRY, self._limit_bytes // 4):
            return
        from leadline.whole_file import write_whole  # only a first scan writes

        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            write_whole(self._path(key), _head(key, content) + content, 0o600)
            self._forget()
        except OSError as error:
            log_of(__name__).debug("the layer cache could not be written: %s", error)

    def size_bytes(self) -> int:
        """All entries together."""
        return sum(size for _, size, _ in self._entries())

    def _path(self, key: str) -> str:
        return f"{self._folder}/{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"

    def _forget(self) -> None:
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        newest = entries[-1][0] if entries else 0.0
        for used, size, path in entries:
            is_left_over = path.endswith(PARTIAL) and used < newest - PARTIAL_SECONDS
            if total <= self._limit_bytes and not is_left_over:
                continue
            if path.endswith(PARTIAL) and not is_left_over:
                continue
            _remove(path)
            total -= size

    def _entries(self) -> list[tuple[float, int, str]]:
        """Last use, size and path; what vanishes meanwhile is left out."""
        found: list[tuple[float, int, str]] = []
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    found.append((status.st_mtime, status.st_size, entry.path))
        return found


def _remove(path: str) -> None:
    """As far as it can be removed, and is there."""
    with suppress(OSError):
        os.unlink(path)


def _head(key: str, content: bytes) -> bytes:
    """The key is part of the digest, so that a renamed entry is not an entry."""
    state = hashlib.sha256(key.encode("utf-8", "surrogatepass") + b"\0")
    state.update(content)
    return MARK + state.digest()
