"""Reads a bbolt database, which containerd keeps the names of images in
(https://github.com/etcd-io/bbolt/blob/main/internal/common/page.go). Only looks, and takes no lock: a page that
changes meanwhile is either seen as before or found damaged.
"""

import os
import struct
from collections.abc import Iterator

MAGIC = 0xED0CDAED
VERSION = 2
PAGE_HEAD = struct.Struct("<QHHI")
META = struct.Struct("<IIIIQQQQQQ")
LEAF = struct.Struct("<IIII")
BRANCH = struct.Struct("<IIQ")
BRANCH_PAGE, LEAF_PAGE, META_PAGE = 1, 2, 4
BUCKET = 1
DEEPEST = 32
LARGEST_PAGE = 64 << 20
MOST_PAGES = 200_000


class DamagedBolt(Exception):  # noqa: N818 - it names the state of the file
    """It is not a bbolt database, or contradicts itself."""


class Bolt:
    """The database in an open file."""

    def __init__(self, file: int) -> None:
        """Raises ``DamagedBolt``."""
        self._file = file
        self._page_size = 0
        self._pages_left = MOST_PAGES
        roots = sorted(self._metas())
        if not roots:
            raise DamagedBolt("no bbolt database")
        _, self._root, self._page_size = roots[-1]

    def bucket(self, *path: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of the bucket at ``path``, inner buckets aside; nothing where there is none.

        Raises:
            DamagedBolt: while reading.
        """
        for key, value, is_bucket in self._found(path):
            if not is_bucket:
                yield key, value

    def buckets(self, *path: bytes) -> Iterator[bytes]:
        """The names of the buckets inside the one at ``path``. Raises as ``bucket``."""
        for key, _, is_bucket in self._found(path):
            if is_bucket:
                yield key

    def _found(self, path: tuple[bytes, ...]) -> Iterator[tuple[bytes, bytes, bool]]:
        try:
            page = self._page(self._root)
            for name in path:
                value = self._inner(page, name)
                if value is None:
                    return
                (root,) = struct.unpack_from("<Q", value)
                # A small bucket has no page of its own: it follows its head inside the value.
                page = self._page(root) if root else value[16:]
            yield from self._items(page, 0)
        except (struct.error, OverflowError, OSError) as error:
            raise DamagedBolt("a page is cut short or lies nowhere") from error

    def _inner(self, page: bytes, name: bytes) -> bytes | None:
        for key, value, is_bucket in self._items(page, 0):
            if is_bucket and key == name:
                return value
        return None

    def _items(self, page: bytes, depth: int) -> Iterator[tuple[bytes, bytes, bool]]:
        _, kind, count, _ = PAGE_HEAD.unpack_from(page)
        if depth > DEEPEST or not kind & (BRANCH_PAGE | LEAF_PAGE):
            raise DamagedBolt("a page of an unexpected kind")
        for i in range(count):
            at = PAGE_HEAD.size + i * 16
            if kind & BRANCH_PAGE:
                _, _, child = BRANCH.unpack_from(page, at)
                yield from self._items(self._page(child), depth + 1)
                continue
            flags, offset, key_size, value_size = LEAF.unpack_from(page, at)
            start = at + offset
            key = page[start : start + key_size]
            value = page[start + key_size : start + key_size + value_size]
            if len(value) < value_size:
                raise DamagedBolt("a value reaches beyond its page")
            yield key, value, bool(flags & BUCKET)

    def _page(self, number: int) -> bytes:
        self._pages_left -= 1
        if self._pages_left < 0:
            raise DamagedBolt("too many pages")
        head = os.pread(self._file, PAGE_HEAD.size, number * self._page_size)
        _, _, _, overflow = PAGE_HEAD.unpack(head)
        size = (overflow + 1) * self._page_size
        if size > LARGEST_PAGE:
            raise DamagedBolt("a page is too large")
        return os.pread(self._file, size, number * self._page_size)

    def _metas(self) -> Iterator[tuple[int, int, int]]:
        """Transaction, root page and page size of each of the two heads that is sound."""
        for page_size in (4096, 8192, 16384, 32768, 65536):
            for number in (0, 1):
                page = os.pread(self._file, PAGE_HEAD.size + META.size, number * page_size)
                if len(page) < PAGE_HEAD.size + META.size:
                    continue
                magic, version, size, _, root, _, _, _, transaction, checksum = META.unpack_from(
                    page, PAGE_HEAD.size
                )
                body = page[PAGE_HEAD.size : PAGE_HEAD.size + META.size - 8]
                if (magic, version, size) == (MAGIC, VERSION, page_size) and checksum in (0, _fnv(body)):
                    yield transaction, root, page_size


def _fnv(content: bytes) -> int:
    """FNV-1a, 64 bits wide."""
    value = 0xCBF29CE484222325
    for byte in content:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value
