"""The members of a ZIP file one after the other, of which no more than one is in memory.

Python's own reader keeps an object for each member before the first is read: 300 MB for 500,000 records.
"""

import zlib
from collections.abc import Iterator
from struct import error as LayoutError  # noqa: N812 - the module's name for it says nothing
from typing import IO

from leadline.packages.file import Unreadable
from leadline.sbom.parsers.zip import (
    CENTRAL,
    END,
    END64,
    END64_LOCATOR,
    LOCAL,
    LONGEST_COMMENT,
    NAME_CHARACTERS,
    ZipEntry,
    entry_at,
    inflated,
)

_AT_A_TIME = 1 << 20
"""Bytes of the list of members."""
_LONGEST_ENTRY = CENTRAL.size + 3 * 0xFFFF


def zip_members(file: IO[bytes]) -> Iterator[ZipEntry]:
    """Every file of ``file``, which can seek, as its list at the end has them. Raises ``Unreadable`` where that breaks off."""
    position, end, shift = _directory(file)
    part, at = b"", 0
    while position + at < end:
        if len(part) - at < _LONGEST_ENTRY and position + len(part) < end:
            position, part, at = (
                position + at,
                _read(file, position + at, min(_AT_A_TIME, end - position - at)),
                0,
            )
        entry, at = entry_at(part, at, shift)
        if not entry.name.endswith("/"):
            yield entry


def read_member(file: IO[bytes], entry: ZipEntry, limit_bytes: int) -> bytes:
    """The content. Raises ``Unreadable`` where it is larger than the limit, damaged or encrypted."""
    name = entry.name[:NAME_CHARACTERS]
    if entry.flags & 1:
        raise Unreadable(f"{name} is encrypted")
    if max(entry.packed_bytes, entry.size_bytes) > limit_bytes:
        raise Unreadable(f"{name} is larger than {limit_bytes >> 20} MiB")
    try:
        found = LOCAL.unpack(_read(file, entry.offset, LOCAL.size))
    except LayoutError as error:
        raise Unreadable(f"{name} lies outside the file") from error
    if found[0] != b"PK\x03\x04":
        raise Unreadable(f"{name} is not where the list of files says")
    packed = _read(file, entry.offset + LOCAL.size + found[9] + found[10], entry.packed_bytes)
    content = inflated(entry, packed, limit_bytes) if len(packed) == entry.packed_bytes else b""
    if len(packed) != entry.packed_bytes or len(content) > limit_bytes:
        raise Unreadable(f"{name} is {'cut short' if len(content) <= limit_bytes else 'larger than allowed'}")
    if zlib.crc32(content) != entry.crc:
        raise Unreadable(f"{name} does not have its checksum")
    return content


def _directory(file: IO[bytes]) -> tuple[int, int, int]:
    """Where the list of members starts and ends, and how far what is before the archive shifts offsets."""
    length = file.seek(0, 2)
    first = max(0, length - END.size - LONGEST_COMMENT - END64_LOCATOR.size - END64.size)
    tail = _read(file, first, length - first)
    end = tail.rfind(b"PK\x05\x06")
    try:
        size, offset = END.unpack_from(tail, end)[5:7] if end >= 0 else (0, 0)
        locator = end - END64_LOCATOR.size
        wide = tail.rfind(b"PK\x06\x06", 0, locator) if tail[locator : locator + 4] == b"PK\x06\x07" else -1
        if wide >= 0:
            size, offset = END64.unpack_from(tail, wide)[8:10]
            end = wide
    except LayoutError as error:
        raise Unreadable("cut short") from error
    start = first + end - size
    if end < 0 or start < max(0, offset):
        raise Unreadable("the list of files is not there: cut short, or not a ZIP file")
    return start, first + end, start - offset


def _read(file: IO[bytes], start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)
