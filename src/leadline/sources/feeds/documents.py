"""Files, folders, archives and lines of feeds as documents, one after the other and bounded.

What a file is shows in its first bytes, whatever its name. Archives are read in the order of their members, folders
by name; nothing is written to disk. A member that is too large or damaged becomes an ``Unread``, and the rest is read.
"""

import io
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from leadline.errors import UsageError
from leadline.model.unread import Unread
from leadline.packages.file import Unreadable
from leadline.sbom.layers.stream import Damaged, is_compressed
from leadline.sbom.layers.unpacked_file import buffered_file, unpacked
from leadline.sources.feeds.zip_members import read_member, zip_members
from leadline.vulnerabilities.feed import Document

LARGEST = 1 << 30
"""Bytes of one document, uncompressed; the largest in use has some 400 MB."""
MOST_BYTES = 1 << 37
"""Of all documents of one file together."""
MOST_MEMBERS = 5_000_000
DEEPEST = 3
"""Archives within archives."""
_LINES = (".jsonl", ".ndjson")
_PACKED_NAMES = (".gz", ".bz2", ".xz", ".zst", ".zstd")
_TAR_MAGIC = slice(257, 262)
_HEAD = 512
_FAULTS = (OSError, EOFError, Damaged, Unreadable, tarfile.TarError, zlib.error)
_AT_A_TIME = 1 << 20
"""Bytes read at a time."""


def documents(paths: Iterable[Path]) -> Iterator[Document | Unread]:
    """The documents of each path in turn.

    Raises:
        UsageError: where a path does not exist.
    """
    for path in paths:
        if path.is_dir():
            for file in _files(path):
                yield from _opened(file, file.relative_to(path.parent).as_posix())
        elif path.exists():
            yield from _opened(path, path.name)
        else:
            raise UsageError(f"{path}: file or folder not found")


def _files(folder: Path) -> Iterator[Path]:
    """By name within each folder; hidden ones are passed over and links not followed."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def _opened(path: Path, name: str) -> Iterator[Document | Unread]:
    try:
        with path.open("rb") as file:
            yield from _Reader().read(file, name, 0)
    except _FAULTS as error:
        yield Unread(name, f"cannot be read ({_words(error)})", "unreachable")


class _TooLarge(Exception):  # noqa: N818 - it names the state of the document, and becomes an ``Unread``
    pass


class _Reader:
    """Reads one file that a user named, and keeps count of it."""

    def __init__(self) -> None:
        self._bytes = 0
        self._members = 0

    def read(self, file: IO[bytes], name: str, depth: int) -> Iterator[Document | Unread]:
        """``file`` is at its beginning; it need not be seekable."""
        buffered = buffered_file(file)
        head = buffered.peek(_HEAD)[:_HEAD]
        if depth > DEEPEST:
            yield Unread(name, "an archive within an archive, too deep", "too large")
            return
        try:
            if is_compressed(head):
                yield from self.read(unpacked(buffered), _without_packing(name), depth + 1)
            elif head.startswith(b"PK\x03\x04"):
                yield from self._zip(buffered, name, depth)
            elif head[_TAR_MAGIC] == b"ustar":
                yield from self._tar(buffered, name, depth)
            elif name.endswith(_LINES):
                yield from self._lines(buffered, name)
            else:
                yield Document(name, self._all(buffered))
        except _TooLarge as error:
            yield Unread(name, str(error), "too large")
        except _FAULTS as error:
            yield Unread(name, f"damaged or cut short ({_words(error)})", "malformed")

    def _zip(self, file: io.BufferedReader, name: str, depth: int) -> Iterator[Document | Unread]:
        if not _can_seek(file):
            file = buffered_file(io.BytesIO(self._all(file)))
        for entry in zip_members(file):
            self._count_member()
            member = f"{name}/{entry.name}"
            try:
                content = read_member(file, entry, LARGEST)
            except Unreadable as error:
                yield Unread(member, str(error), "malformed")
                continue
            self._count_bytes(len(content))
            yield from self._member(content, member, depth + 1)

    def _member(self, content: bytes, name: str, depth: int) -> Iterator[Document | Unread]:
        """Most members are documents, and not read a second time."""
        head = content[:_HEAD]
        is_packed = is_compressed(head) or head.startswith(b"PK\x03\x04") or head[_TAR_MAGIC] == b"ustar"
        if is_packed or name.endswith(_LINES):
            yield from self.read(io.BytesIO(content), name, depth)
        else:
            yield Document(name, content)

    def _tar(self, file: io.BufferedReader, name: str, depth: int) -> Iterator[Document | Unread]:
        with tarfile.open(fileobj=file, mode="r|") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                self._count_member()
                content = archive.extractfile(member)
                if content is not None:
                    with content:
                        yield from self.read(content, f"{name}/{member.name}", depth + 1)

    def _lines(self, file: io.BufferedReader, name: str) -> Iterator[Document | Unread]:
        number = 0
        while line := file.readline(LARGEST + 1):
            number += 1
            if len(line) > LARGEST:
                raise _TooLarge(f"line {number} is larger than {LARGEST >> 20} MiB")
            self._count_bytes(len(line))
            if line.strip():
                yield Document(f"{name}#{number}", line)

    def _all(self, file: IO[bytes]) -> bytes:
        content = bytearray()
        while part := file.read(_AT_A_TIME):
            content += part
            if len(content) > LARGEST:
                raise _TooLarge(f"larger than {LARGEST >> 20} MiB")
            self._count_bytes(len(part))
        return bytes(content)

    def _count_bytes(self, number: int) -> None:
        self._bytes += number
        if self._bytes > MOST_BYTES:
            raise _TooLarge(f"holds more than {MOST_BYTES >> 30} GiB")

    def _count_member(self) -> None:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise _TooLarge(f"holds more than {MOST_MEMBERS} files")


def _can_seek(file: io.BufferedReader) -> bool:
    try:
        return file.seekable()
    except AttributeError:
        # Members of a tar that is read as a stream have no such method in every version of Python.
        return False


def _without_packing(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    if f"{dot}{ending}" == ".tgz":
        return f"{stem}.tar"
    return stem if f"{dot}{ending}" in _PACKED_NAMES else name


def _words(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
