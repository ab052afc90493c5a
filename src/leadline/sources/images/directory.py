"""A folder read as if it were the one layer of an image: a root file system, or sources with lock files.

Links are never followed and nothing outside the folder is opened, whatever changes while it is read.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path

from msgspec import Struct

from leadline.errors import SourceError
from leadline.model.package import ImageIdentity
from leadline.sbom.identity.config import ConfigReading
from leadline.sbom.layers.stream import PIECE_BYTES, Damaged
from leadline.sbom.layers.tar import EntryReader, TarEntry
from leadline.sources.oci.layer import OpenedImage, name_of

DEEPEST = 256
MOST_IN_FOLDER = 1_000_000
"""Names of one folder, which are sorted in memory."""
PSEUDO = frozenset(("proc", "sys", "dev"))
"""Folders of a running system that are not files on a disk; left out where they are mounted."""
LEFT_OUT = (".git/objects", ".git/lfs", ".hg/store")
"""What version control keeps of the past."""
CHANGED = "changed while it was read"
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def open_image_folder(path: Path) -> OpenedImage:
    """The folder at ``path`` as an image of one layer. With an ``os-release`` it counts as an image, else as a folder.

    Raises:
        SourceError: it cannot be opened.
    """
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise SourceError(f"cannot open {path}: {error.strerror}") from error
    is_root = any(_exists(folder, name) for name in ("etc/os-release", "usr/lib/os-release"))
    identity = ImageIdentity(name_of(path), "image" if is_root else "directory")
    return OpenedImage(
        identity, ConfigReading(), (_FolderLayer(folder),), closers=(lambda: os.close(folder),)
    )


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True


class _FolderLayer(Struct, frozen=True):
    folder: int
    """File descriptor."""
    diff_id: str = ""
    cache_key: str = ""
    stamp: str = ""
    size_bytes: int = 0
    missing: str = ""

    def open(self) -> AbstractContextManager[EntryReader]:
        return _reading(self.folder)


@contextmanager
def _reading(folder: int) -> Iterator[EntryReader]:
    reader = _FolderReader(folder)
    try:
        yield reader
    finally:
        reader.close()


class _FolderReader:
    """The entries of a folder, in the order of their names."""

    has_whiteouts = False

    def __init__(self, folder: int) -> None:
        self._root = folder
        self._device = os.fstat(folder).st_dev
        self._open: list[int] = []
        self._at: tuple[int, str] = (folder, "")
        """The folder and name of the latest file."""
        self._size = 0

    def __iter__(self) -> Iterator[TarEntry]:
        try:
            yield from self._below(os.dup(self._root), "", 0)
        except OSError as error:
            raise Damaged(f"the folder cannot be read: {error.strerror or error}") from error

    def head(self, count: int) -> bytes:
        folder, name = self._at
        file = os.open(name, _FLAGS, dir_fd=folder)
        try:
            return os.pread(file, min(count, self._size), 0)
        finally:
            os.close(file)

    def content(self) -> bytes:
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        for _, piece in self.parts([(0, self._size)]):
            yield piece

    def parts(self, ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
        folder, name = self._at
        file = os.open(name, _FLAGS, dir_fd=folder)
        try:
            if os.fstat(file).st_size != self._size:
                raise OSError(0, CHANGED)
            for at, end in ranges:
                while at < end:
                    piece = os.pread(file, min(PIECE_BYTES, end - at), at)
                    if not piece:
                        raise OSError(0, CHANGED)
                    yield at, piece
                    at += len(piece)
        finally:
            os.close(file)

    def finish(self) -> None:
        """Nothing follows."""

    def close(self) -> None:
        while self._open:
            os.close(self._open.pop())

    def _below(self, folder: int, path: str, depth: int) -> Iterator[TarEntry]:
        self._open.append(folder)
        try:
            with os.scandir(folder) as found:
                names = sorted(islice(found, MOST_IN_FOLDER), key=lambda one: one.name)
                if next(found, None) is not None:
                    yield TarEntry(path or ".", "denied", target=f"holds more than {MOST_IN_FOLDER} names")
            for one in names:
                yield from self._entry(folder, one, f"{path}/{one.name}" if path else one.name, depth)
        finally:
            os.close(self._open.pop())

    def _entry(self, folder: int, one: "os.DirEntry[str]", path: str, depth: int) -> Iterator[TarEntry]:
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        try:
            status = os.stat(one.name, dir_fd=folder, follow_symlinks=False)
            mode = stat.S_IMODE(status.st_mode)
            if stat.S_ISREG(status.st_mode):
                self._at, self._size = (folder, one.name), status.st_size
                yield TarEntry(shown, "file", status.st_size, mode)
            elif stat.S_ISLNK(status.st_mode):
                target = os.readlink(one.name, dir_fd=folder)
                yield TarEntry(
                    shown, "symlink", target=os.fsencode(target).decode("utf-8", "backslashreplace")
                )
            elif stat.S_ISDIR(status.st_mode):
                yield TarEntry(shown, "folder", mode=mode)
                if depth >= DEEPEST:
                    yield TarEntry(shown, "denied", target="nested too deeply")
                elif not self._is_left_out(path, status):
                    inner = os.open(one.name, _FLAGS | os.O_DIRECTORY, dir_fd=folder)
                    yield from self._below(inner, path, depth + 1)
            else:
                yield TarEntry(shown, "device", mode=mode)
        except OSError as error:
            yield TarEntry(shown, "denied", target=error.strerror or "cannot be read")

    def _is_left_out(self, path: str, status: os.stat_result) -> bool:
        return path.endswith(LEFT_OUT) or (path in PSEUDO and status.st_dev != self._device)
