"""RPM headers out of an SQLite database (``rpmdb.sqlite``: Fedora 33, RHEL 9 and later).

The file is handed to SQLite as bytes and never touches the disk. What a hostile file could do there is
limited: it may only be read, only from a plain table, and for a bounded number of steps.
"""

import re
import sqlite3
import struct
from collections.abc import Iterator

from leadline.packages.late_pattern import late_pattern

MOST_STEPS = 50_000_000
"""Instructions of SQLite's machine; a database of 10,000 packages takes some 100,000."""
STEPS_PER_LOOK = 100_000
SHORTEST_LIMIT = 1 << 20
"""Bytes that any value may have, however small the database."""

MAGIC = b"SQLite format 3\0"
_PLAIN_TABLE = late_pattern(r"\s*CREATE\s+TABLE\s+['\"]?Packages['\"]?\s*\([^()]*\)\s*", re.IGNORECASE)
"""Without inner brackets a table has no expressions, such as columns worked out at reading."""
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ})
_WAL_MAGICS = {0x377F0682: "<", 0x377F0683: ">"}
_FRAME_HEADER = 24


class SqliteError(ValueError):
    """The bytes are not a database of RPM headers, or stop being one."""


def sqlite_blobs(content: bytes, log: bytes = b"") -> Iterator[bytes]:
    """Every header blob, empty where a row has none; ``log`` is the write-ahead log beside the database.

    Raises:
        SqliteError: at the point where SQLite gives up or the steps run out.
    """
    if not content.startswith(MAGIC):
        raise SqliteError("is not an SQLite database")
    image = bytearray(content)
    if log:
        _apply_log(image, log)
    if len(image) > 19:
        # A database in memory has no write-ahead log: say that its journal is the plain one.
        image[18:20] = b"\1\1"
    connection = sqlite3.connect(":memory:")
    try:
        yield from _select(connection, bytes(image))
    except (sqlite3.Error, sqlite3.Warning, UnicodeDecodeError, OverflowError, MemoryError) as error:
        raise SqliteError(f"cannot be read by SQLite: {error}") from error
    finally:
        connection.close()


def _select(connection: sqlite3.Connection, image: bytes) -> Iterator[bytes]:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(SHORTEST_LIMIT, len(image)))
    connection.deserialize(image)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    looks_left = MOST_STEPS // STEPS_PER_LOOK

    def is_over() -> int:
        nonlocal looks_left
        looks_left -= 1
        return looks_left < 0

    def allow(action: int, *_: object) -> int:
        return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY

    connection.set_progress_handler(is_over, STEPS_PER_LOOK)
    connection.set_authorizer(allow)
    table = connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'Packages'"
    ).fetchone()
    if table is None or not _PLAIN_TABLE.fullmatch(str(table[0])):
        raise SqliteError("has no plain table Packages")
    budget = len(image)
    for (blob,) in connection.execute("SELECT blob FROM Packages"):
        if not isinstance(blob, bytes):
            blob = b""
        # Rows of a damaged file may share their pages: more than the file holds is not there.
        budget -= len(blob)
        if budget < 0:
            raise SqliteError("holds more than fits into it")
        yield blob


def _apply_log(image: bytearray, log: bytes) -> None:
    """Writes the committed pages of a write-ahead log into ``image`` (https://www.sqlite.org/fileformat2.html#walformat)."""
    if len(log) < 32:
        return
    magic, _, page_size, _, salt1, salt2, sum1, sum2 = struct.unpack_from(">8I", log)
    order = _WAL_MAGICS.get(magic)
    if order is None or page_size < 512 or page_size > 65536 or page_size & (page_size - 1):
        raise SqliteError("its write-ahead log is damaged")
    if _checksum(log[:24], order, (0, 0)) != (sum1, sum2):
        raise SqliteError("its write-ahead log is damaged")
    sums = (sum1, sum2)
    pending: dict[int, int] = {}
    position = 32
    while position + _FRAME_HEADER + page_size <= len(log):
        page, size_after, frame1, frame2, *frame_sums = struct.unpack_from(">6I", log, position)
        start = position + _FRAME_HEADER
        if (frame1, frame2) != (salt1, salt2) or not page:
            break
        sums = _checksum(log[position : position + 8], order, sums)
        sums = _checksum(log[start : start + page_size], order, sums)
        if sums != tuple(frame_sums):
            break
        pending[page] = start
        if size_after:
            _commit(image, log, pending, page_size)
            pending = {}
        position = start + page_size


def _commit(image: bytearray, log: bytes, pending: dict[int, int], page_size: int) -> None:
    end = max(pending) * page_size
    if end > len(image) + len(log):
        raise SqliteError("its write-ahead log names pages far beyond its end")
    if end > len(image):
        image.extend(bytes(end - len(image)))
    for page, start in pending.items():
        image[(page - 1) * page_size : page * page_size] = log[start : start + page_size]


def _checksum(piece: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(piece) // 4}I", piece)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
