"""A store in the memory of one process, which the suite of the store holds like the others."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence

from msgspec import Struct, structs

from leadline.api.protocol import (
    ABSENT,
    ADDED,
    DELETED,
    EMPTY,
    MODIFIED,
    Changes,
    ConflictError,
    Content,
    Entry,
    Event,
    FutureError,
    GoneError,
    Page,
    Paging,
    Put,
    Version,
    event_of,
    read_token,
    write_token,
)
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError

DEFAULT_HISTORY = 10_000


class MemoryStore:
    """``history`` is how many of the last revisions a list or watch may still start from."""

    def __init__(self, history: int = DEFAULT_HISTORY) -> None:
        self._revision = time.time_ns() // 1000
        self._kept_from = self._revision
        self._history = history
        self._log: list[_Row] = []
        self._live: dict[Key, _Row] = {}
        self._changed = asyncio.Event()
        self._is_closed = False

    @property
    def revision(self) -> int:
        return self._revision

    async def get(self, key: Key) -> Entry | None:
        row = self._live.get(key)
        return row.version.entry if row else None

    async def list(self, selection: Selection, paging: Paging) -> Page:
        position = read_token(paging.token)
        revision, *after = position or (self._revision, "", "")
        if revision < self._kept_from:
            raise GoneError(revision)
        if revision > self._revision:
            raise FutureError(revision)
        rows = [
            row for row in self._log if row.is_live_at(revision) and _is_wanted(row.version.entry, selection)
        ]
        rows.sort(key=lambda row: row.version.entry.key)
        found: list[Entry] = []
        size = 0
        for row in rows:
            entry = row.version.entry
            if position and (entry.key.namespace, entry.key.name) <= tuple(after):
                continue
            size += len(entry.content.body)
            if found and (len(found) >= paging.limit or size > paging.max_bytes):
                last = found[-1].key
                return Page(tuple(found), revision, write_token((revision, last.namespace, last.name)))
            found.append(_shown(entry, selection))
        return Page(tuple(found), revision, "")

    async def put(self, put: Put) -> Entry:
        return (await self.put_all((put,)))[0]

    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        self._check(puts)
        entries = []
        for put in puts:
            old = self._live.get(put.key)
            entries.append(self._write(MODIFIED if old else ADDED, put.key, put.content))
        self._wake()
        return tuple(entries)

    async def delete(self, key: Key, expected: int | None = None) -> Entry:
        old = self._live.get(key)
        if old is None or expected not in (None, old.version.entry.revision):
            raise ConflictError(key, old.version.entry.revision if old else ABSENT)
        entry = self._write(DELETED, key, structs.replace(old.version.entry.content, body=EMPTY))
        self._wake()
        return entry

    async def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        if since > self._revision:
            raise FutureError(since)
        while not self._is_closed:
            if since < self._kept_from:
                raise GoneError(since)
            changed, revision = self._changed, self._revision
            start = bisect_right(self._log, since, key=lambda row: row.version.entry.revision)
            events = [event_of(row.version, selection) for row in self._log[start:]]
            shown = [Event(e.type, _shown(e.entry, selection)) for e in events if e is not None]
            if revision > since:
                since = revision
                yield Changes(tuple(shown), revision)
                continue
            await changed.wait()

    async def close(self) -> None:
        self._is_closed = True
        self._wake()

    def _check(self, puts: Sequence[Put]) -> None:
        """Every expectation, with the writes before it in the batch taken as done."""
        if self._is_closed:
            raise StoreError("the store is closed")
        written: set[Key] = set()
        for put in puts:
            old = self._live.get(put.key)
            current = old.version.entry.revision if old else ABSENT
            stale = put.expected is not None and (put.key in written or put.expected != current)
            if stale:
                raise ConflictError(put.key, current)
            written.add(put.key)

    def _write(self, type_: str, key: Key, content: Content) -> Entry:
        self._revision += 1
        old = self._live.pop(key, None)
        entry = Entry(key, self._revision, content)
        before = old.version.entry.content.metadata if old else None
        row = _Row(Version(type_, entry, before))
        if old:
            old.dead = self._revision
        if type_ == DELETED:
            row.dead = self._revision
        else:
            self._live[key] = row
        self._log.append(row)
        return entry

    def _wake(self) -> None:
        kept_from = self._revision - self._history
        if kept_from > self._kept_from + self._history // 10:
            self._kept_from = kept_from
            self._log = [row for row in self._log if row.dead is None or row.dead > kept_from]
        self._changed.set()
        self._changed = asyncio.Event()


class _Row(Struct):
    version: Version
    dead: int | None = None
    """The revision that replaced it; its own for a deletion."""

    def is_live_at(self, revision: int) -> bool:
        return self.version.entry.revision <= revision and (self.dead is None or self.dead > revision)


def _is_wanted(entry: Entry, selection: Selection) -> bool:
    return selection.covers(entry.key) and selection.matches_labels(entry.content.metadata)


def _shown(entry: Entry, selection: Selection) -> Entry:
    if selection.with_body:
        return entry
    return Entry(entry.key, entry.revision, Content(entry.content.metadata, entry.content.columns, b""))
