"""RPM headers out of an ndb database (``Packages.db``: SUSE and openSUSE).

Format: little-endian; a table of 16-byte slots, of which the first two are the file's own header, then
blobs in units of 16 bytes (https://github.com/rpm-software-management/rpm/blob/master/lib/backend/ndb/rpmpkg.c).
"""

import struct
from collections.abc import Iterator

MAGIC = b"RpmP"
_HEADER = struct.Struct("<4sIII")
_SLOT = struct.Struct("<4sIII")
_BLOB = struct.Struct("<4sIII")
_PAGE = 4096
_UNIT = 16
_HEADER_SLOTS = 2
_VERSION = 0


class NdbError(ValueError):
    """The bytes are not an ndb database, or stop being one."""


def ndb_blobs(content: bytes) -> Iterator[bytes]:
    """Every header blob, by slot.

    Raises:
        NdbError: the file or a slot in it is damaged; the blobs of the other slots come first.
    """
    if len(content) < _PAGE or not content.startswith(MAGIC):
        raise NdbError("is not an ndb database")
    _, version, _, slot_pages = _HEADER.unpack_from(content)
    if version != _VERSION:
        raise NdbError(f"has version {version}, and only {_VERSION} is known")
    if slot_pages * _PAGE > len(content):
        raise NdbError("ends within its table of slots")
    damaged = 0
    budget = len(content)
    for position in range(_HEADER_SLOTS * _SLOT.size, slot_pages * _PAGE, _SLOT.size):
        magic, package, unit, _ = _SLOT.unpack_from(content, position)
        if magic != b"Slot":
            damaged += 1
            continue
        if not unit:
            continue
        blob = _blob(content, package, unit * _UNIT)
        budget -= len(blob)
        if not blob or budget < 0:
            damaged += 1
            continue
        yield blob
    if damaged:
        raise NdbError(f"has {damaged} damaged slots")


def _blob(content: bytes, package: int, start: int) -> bytes:
    """The blob at ``start``; empty where it is not that of ``package`` or does not fit the file."""
    if start + _BLOB.size > len(content):
        return b""
    magic, owner, _, size = _BLOB.unpack_from(content, start)
    start += _BLOB.size
    if magic != b"BlbS" or owner != package or start + size > len(content):
        return b""
    return content[start : start + size]
