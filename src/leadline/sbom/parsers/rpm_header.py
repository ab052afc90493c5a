"""One RPM header as its database keeps it.

Format: two big-endian counts, then an index of 16-byte entries (tag, type, offset, count), then the values
(https://rpm-software-management.github.io/rpm/manual/format_header.html). Every number is checked against
the header's own length, so a header can cost no more than it weighs.
"""

import struct
from collections.abc import Iterator

from msgspec import Struct

ENTRY = struct.Struct(">IIII")

NAME, VERSION, RELEASE, EPOCH, SUMMARY = 1000, 1001, 1002, 1003, 1004
VENDOR, LICENSE, PACKAGER, URL, ARCH = 1011, 1014, 1015, 1020, 1022
FILE_MODES, FILE_DIGESTS, SOURCE_RPM, PROVIDE_NAME, REQUIRE_NAME = 1030, 1035, 1044, 1047, 1049
FILE_DIGEST_ALGORITHM = 5011
DIR_INDEXES, BASE_NAMES, DIR_NAMES, MODULARITY_LABEL = 1116, 1117, 1118, 5096
SHA1_HEADER, SHA256_HEADER = 269, 273

INT16, INT32, STRING, STRING_ARRAY, I18N_STRING = 3, 4, 6, 8, 9

FOLDER_BITS = 0o040000
TYPE_BITS = 0o170000

LONGEST_PATH = 4096
PATHS_PER_HEADER = 16
"""Bytes of paths per byte of header, at most; true headers stay below one."""
MOST_ENTRIES = 10_000
"""rpm itself knows some 400 tags."""


class HeaderError(ValueError):
    """The bytes are not RPM header."""


class RpmHeader(Struct, frozen=True):
    """The values of a header, read on demand."""

    entries: dict[int, tuple[int, int, int]]
    """Type, offset and count by tag."""
    store: bytes

    def text(self, tag: int) -> str:
        """The string at ``tag``, the first where there are several; empty where there is none."""
        return next(iter(self.texts(tag, most=1)), "")

    def texts(self, tag: int, most: int = 1 << 22) -> list[str]:
        kind, offset, count = self.entries.get(tag, (0, 0, 0))
        if kind not in (STRING, STRING_ARRAY, I18N_STRING) or not count:
            return []
        wanted = min(1 if kind == STRING else count, most)
        pieces = self.store[offset:].split(b"\0", wanted) if wanted > 1 else [self._until_nul(offset)]
        return [piece.decode("utf-8", "replace") for piece in pieces[:wanted]]

    def numbers(self, tag: int) -> tuple[int, ...]:
        kind, offset, count = self.entries.get(tag, (0, 0, 0))
        size = {INT16: 2, INT32: 4}.get(kind)
        if size is None or offset + size * count > len(self.store):
            return ()
        return struct.unpack_from(f">{count}{'H' if size == 2 else 'I'}", self.store, offset)

    def files(self) -> tuple[str, ...]:
        """Paths without a leading slash, folders left out."""
        return tuple(path for _, path in self._files())

    def file_digests(self) -> Iterator[tuple[str, bytes]]:
        """The digest of each file that has one, by the algorithm of ``FILE_DIGEST_ALGORITHM``."""
        digests = self.texts(FILE_DIGESTS)
        for position, path in self._files():
            if position < len(digests) and digests[position]:
                try:
                    yield path, bytes.fromhex(digests[position])
                except ValueError:
                    continue

    def _files(self) -> Iterator[tuple[int, str]]:
        """Number and path of each file."""
        folders = self.texts(DIR_NAMES)
        names = self.texts(BASE_NAMES)
        indexes = self.numbers(DIR_INDEXES)
        modes = self.numbers(FILE_MODES)
        if len(modes) != len(names):
            modes = (0,) * len(names)
        # Few bytes can name a long folder many times over: no true header makes more of itself than this.
        budget = LONGEST_PATH + PATHS_PER_HEADER * len(self.store)
        for position, (name, index, mode) in enumerate(zip(names, indexes, modes, strict=False)):
            if index >= len(folders) or mode & TYPE_BITS == FOLDER_BITS:
                continue
            budget -= len(folders[index]) + len(name)
            if budget < 0:
                return
            yield position, (folders[index] + name).lstrip("/")

    def _until_nul(self, offset: int) -> bytes:
        end = self.store.find(b"\0", offset)
        return self.store[offset : end if end >= 0 else len(self.store)]


def read_header(blob: bytes) -> RpmHeader:
    """The header in ``blob``.

    Raises:
        HeaderError: its counts do not fit its length.
    """
    if len(blob) < 8:
        raise HeaderError("shorter than a header")
    count, size = struct.unpack_from(">II", blob)
    start = 8 + ENTRY.size * count
    if not 0 < count <= MOST_ENTRIES or start + size > len(blob):
        raise HeaderError("its index does not fit its length")
    entries = {
        tag: (kind, offset, values)
        for tag, kind, offset, values in ENTRY.iter_unpack(blob[8:start])
        if offset < size and values <= size
    }
    return RpmHeader(entries, blob[start : start + size])
