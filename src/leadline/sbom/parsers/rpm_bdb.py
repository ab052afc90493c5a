"""RPM headers out of a Berkeley DB hash (``Packages``: RHEL and CentOS up to 8, Amazon Linux 2, older Fedora).

Format: pages of one size; the first describes the file; hash pages hold pairs of key and value, and a value
too long for its page continues over a chain of overflow pages
(https://github.com/berkeleydb/libdb/blob/master/src/dbinc/db_page.h). Nothing is looked up: every hash
page is read in turn.
"""

import struct
from collections.abc import Iterator

HASH_MAGIC = 0x00061561
_MAGIC_AT = 12
_PAGE_HEADER = 26
_FREE, _HASH_UNSORTED, _OVERFLOW, _HASH_META, _HASH = 0, 2, 7, 8, 13
_KEY_OR_VALUE, _OFF_PAGE = 1, 3
_KEY_BYTES = 4
_PAGE_SIZES = frozenset(1 << power for power in range(9, 17))


class BdbError(ValueError):
    """The bytes are not a Berkeley DB hash, or stop being one."""


def is_bdb_hash(content: bytes) -> bool:
    return _byte_order(content) != ""


def bdb_blobs(content: bytes) -> Iterator[bytes]:
    """Every header blob, in the order of the pages.

    Raises:
        BdbError: the file or an entry in it is damaged; the blobs of the other entries come first.
    """
    order = _byte_order(content)
    if not order:
        raise BdbError("is not a Berkeley DB hash")
    _, _, page_size, encryption, page_type = struct.unpack_from(f"{order}IIIBB", content, _MAGIC_AT)
    if page_type != _HASH_META or page_size not in _PAGE_SIZES or len(content) % page_size:
        raise BdbError("has a damaged first page")
    if encryption:
        raise BdbError("is encrypted")
    pages = Pages(content, page_size, order)
    damaged = 0
    for number in range(1, len(content) // page_size):
        if pages.type(number) not in (_HASH, _HASH_UNSORTED):
            damaged += pages.type(number) not in (_FREE, _OVERFLOW, _HASH_META)
            continue
        for value in pages.values(number):
            if value is None:
                damaged += 1
            else:
                yield value
    if damaged:
        raise BdbError(f"has {damaged} damaged entries")


class Pages:
    """The pages of a file, and which overflow pages were used: none belongs to two values."""

    def __init__(self, content: bytes, page_size: int, order: str) -> None:
        self._content = content
        self._page_size = page_size
        self._last = len(content) // page_size - 1
        self._page_header = struct.Struct(f"{order}IIIHHBB")
        self._off_page = struct.Struct(f"{order}II")
        self._order = order
        self._used: set[int] = set()

    def type(self, number: int) -> int:
        return self._content[number * self._page_size + 25]

    def values(self, number: int) -> Iterator[bytes | None]:
        """The values of one hash page; ``None`` for one that cannot be put together."""
        start = number * self._page_size
        _, _, _, count, *_ = self._page_header.unpack_from(self._content, start + 8)
        count = min(count, (self._page_size - _PAGE_HEADER) // 2) & ~1
        offsets = struct.unpack_from(f"{self._order}{count}H", self._content, start + _PAGE_HEADER)
        page = self._content[start : start + self._page_size]
        end = self._page_size
        for key_at, value_at in zip(offsets[::2], offsets[1::2], strict=True):
            if not value_at <= key_at <= end:
                # Items fill a page from its end: overlapping ones would be read many times over.
                yield None
                return
            key = page[key_at:end]
            value = page[value_at:key_at]
            end = value_at
            # Key 0 holds the highest number given out, not a package.
            if len(key) == 1 + _KEY_BYTES and not any(key[1:]):
                continue
            yield self._value(value)

    def _value(self, item: bytes) -> bytes | None:
        if not item:
            return None
        if item[0] == _KEY_OR_VALUE:
            return item[1:]
        if item[0] == _OFF_PAGE and len(item) >= 12:
            number, size = self._off_page.unpack_from(item, 4)
            return self._chained(number, size)
        return None

    def _chained(self, number: int, size: int) -> bytes | None:
        pieces: list[bytes] = []
        while number:
            if number > self._last or number in self._used or self.type(number) != _OVERFLOW:
                return None
            self._used.add(number)
            start = number * self._page_size
            _, _, following, _, length, *_ = self._page_header.unpack_from(self._content, start + 8)
            if length > self._page_size - _PAGE_HEADER:
                return None
            pieces.append(self._content[start + _PAGE_HEADER : start + _PAGE_HEADER + length])
            number = following
        value = b"".join(pieces)
        return value if len(value) == size else None


def _byte_order(content: bytes) -> str:
    """``<`` or ``>``, as the machine was that wrote the file; empty where it is another file."""
    if len(content) < 512:
        return ""
    for order in "<>":
        if struct.unpack_from(f"{order}I", content, _MAGIC_AT) == (HASH_MAGIC,):
            return order
    return ""
