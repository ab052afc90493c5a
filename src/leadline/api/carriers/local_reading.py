"""What every reader of a local store does: single objects, pages of a snapshot, and what changed since a revision."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import zstandard

from leadline.api.carriers import local_rows
from leadline.api.carriers.local_rows import ROWS_AT_A_TIME, Row
from leadline.api.carriers.local_schema import open_to_read, refusal
from leadline.api.carriers.packing import Packer
from leadline.api.protocol import (
    DELETED,
    EMPTY,
    MAX_PAGE_BYTES,
    Changes,
    Content,
    Entry,
    FutureError,
    GoneError,
    Page,
    Paging,
    Version,
    event_of,
    read_token,
    write_token,
)
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError

LARGE_BYTES = 256 * 2**10
"""Larger bodies are compressed and decompressed in a thread."""
_DELETION = local_rows.TYPES.index(DELETED)


class LocalReading:
    """Over one connection that only reads. Who inherits keeps ``_kept_from`` and ``_revision`` current."""

    def __init__(self, path: Path, reader: sqlite3.Connection) -> None:
        self.path = path
        self._reader = reader
        self._kept_from, self._revision = local_rows.state(reader)
        self._packer = Packer(self._read_dictionary)

    @property
    def revision(self) -> int:
        return self._revision

    @property
    def kept_from(self) -> int:
        """The oldest revision that a watch can still start from."""
        return self._kept_from

    async def get(self, key: Key) -> Entry | None:
        with failing(self.path):
            row = local_rows.live(self._reader, key)
            return await self._entry(row) if row else None

    async def list(self, selection: Selection, paging: Paging) -> Page:
        revision, *after = read_token(paging.token) or (self._revision, "", "")
        if revision > self._revision:
            raise FutureError(revision)
        place = (str(after[0]), str(after[1]))
        found: list[Entry] = []
        size = 0
        with failing(self.path):
            while True:
                if revision < self._kept_from:
                    raise GoneError(revision)
                count = 0
                for row in local_rows.page(self._reader, selection, revision, place):
                    count += 1
                    place = (row.namespace, row.name)
                    if selection.fields and not selection.covers(row.key):
                        continue
                    if selection.labels and not selection.matches_labels(row.metadata):
                        continue
                    if selection.with_body:
                        size += row.size
                    if found and (len(found) >= paging.limit or size > paging.max_bytes):
                        last = found[-1].key
                        return Page(
                            tuple(found), revision, write_token((revision, last.namespace, last.name))
                        )
                    found.append(await self._entry(row) if row.size > LARGE_BYTES else self._small_entry(row))
                if count < ROWS_AT_A_TIME:
                    return Page(tuple(found), revision, "")
                await asyncio.sleep(0)

    async def _changes(self, selection: Selection, since: int, upto: int) -> Changes:
        """Those of a bounded number of versions."""
        events = []
        size = count = 0
        revision = since
        for row in local_rows.since(self._reader, selection, since, upto):
            count += 1
            revision = row.revision
            version = Version(local_rows.TYPES[row.type], await self._entry(row), row.before)
            event = event_of(version, selection)
            if event is not None:
                events.append(event)
                size += row.size if selection.with_body else 0
            if size > MAX_PAGE_BYTES:
                return Changes(tuple(events), revision)
        return Changes(tuple(events), upto if count < ROWS_AT_A_TIME else revision)

    async def _entry(self, row: Row) -> Entry:
        if not row.packed or row.size <= LARGE_BYTES:
            return self._small_entry(row)
        body = await asyncio.to_thread(Packer(self._read_dictionary).unpack, row.packed, row.dictionary)
        return Entry(row.key, row.revision, Content(row.metadata, row.columns, body))

    def _small_entry(self, row: Row) -> Entry:
        body = row.packed
        if body:
            body = self._packer.unpack(body, row.dictionary)
        elif row.type == _DELETION:
            body = EMPTY
        return Entry(row.key, row.revision, Content(row.metadata, row.columns, body))

    def _read_dictionary(self, number: int) -> bytes:
        return local_rows.dictionary(self._reader, number)


@contextmanager
def failing(path: Path) -> Iterator[None]:
    """What SQLite and zstd complain about, in our words."""
    try:
        yield
    except sqlite3.Error as error:
        raise refusal(error, path) from error
    except zstandard.ZstdError as error:
        raise StoreError(
            f"the store {path} is damaged: a body cannot be read", hint="restore a backup"
        ) from error


LOOK_EVERY_S = 1.0


class LocalReader(LocalReading):
    """Opens ``path``, which must be there. Raises: ``StoreError``, also later, once another file has taken its place."""

    def __init__(self, path: Path, look_every_s: float = LOOK_EVERY_S) -> None:
        self._look_every_s = look_every_s
        with ExitStack() as opened, failing(path):
            super().__init__(path, open_to_read(path, opened))
            self._file = _file(path)
            self._resources = opened.pop_all()
        self._is_closed = False

    async def list(self, selection: Selection, paging: Paging) -> Page:
        self._look()
        page = await super().list(selection, paging)
        self._check_kept(page.revision)
        return page

    async def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        """Looks every second, and yields each time: no events are a sign of life."""
        self._look()
        if since > self._revision:
            raise FutureError(since)
        while not self._is_closed:
            self._look()
            with failing(self.path):
                changes = await self._changes(selection, since, self._revision)
            self._check_kept(since)
            is_all = changes.revision >= self._revision
            since = changes.revision
            yield changes
            if is_all:
                await asyncio.sleep(self._look_every_s)

    async def close(self) -> None:
        self._is_closed = True
        self._resources.close()

    def _look(self) -> None:
        if _file(self.path) != self._file:
            raise StoreError(f"another file has taken the place of the store {self.path}")
        with failing(self.path):
            self._kept_from, self._revision = local_rows.state(self._reader)

    def _check_kept(self, revision: int) -> None:
        """After a read: the process that writes may have forgotten the past meanwhile."""
        self._look()
        if revision < self._kept_from:
            raise GoneError(revision)


def _file(path: Path) -> tuple[int, int]:
    """Which file it is, whatever its name. Raises: ``StoreError``."""
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise StoreError(f"there is no store {path}") from error
    except OSError as error:
        raise StoreError(f"cannot read the store {path}: {(error.strerror or str(error)).lower()}") from error
    return found.st_dev, found.st_ino
