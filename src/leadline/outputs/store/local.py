"""A store in one SQLite file, for one process: bodies compressed, writes of the same moment in one commit.

Statements run in the event loop (microseconds each); commits, which wait for the disk, run in a thread. Readers have a
connection of their own and so see only what is durable.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import zstandard
from msgspec import Struct

from leadline.errors import StoreError
from leadline.outputs.store import local_care, local_rows
from leadline.outputs.store.local_rows import ROWS_AT_A_TIME, Row
from leadline.outputs.store.local_schema import open_database, refusal
from leadline.outputs.store.local_write import Drop, Operation, Writer
from leadline.outputs.store.packing import Packer, train
from leadline.outputs.store.protocol import (
    DELETED,
    EMPTY,
    MAX_PAGE_BYTES,
    Changes,
    ConflictError,
    Content,
    Entry,
    FutureError,
    GoneError,
    Page,
    Paging,
    Put,
)
from leadline.outputs.store.selection import Key, Selection
from leadline.outputs.store.token import read_token, write_token
from leadline.outputs.store.version import Version, event_of

T = TypeVar("T")
DEFAULT_HISTORY = 10_000
DEFAULT_HISTORY_BYTES = 256 * 2**20
LARGE_BYTES = 256 * 2**10
"""Larger bodies are compressed and decompressed in a thread."""
_OPERATIONS_AT_A_TIME = 100
_DELETION = local_rows.TYPES.index(DELETED)


class Limits(Struct, frozen=True):
    """How much of the past is kept for watches and paged lists, whichever is reached first."""

    history: int = DEFAULT_HISTORY
    """Revisions."""
    history_bytes: int = DEFAULT_HISTORY_BYTES
    """Of compressed bodies."""


class LocalStore:
    """Opens ``path``, or makes it. Belongs to the event loop that first writes to it; one of these and one process at

    a time may have a file open. Raises: ``StoreError``.
    """

    def __init__(self, path: Path, limits: Limits = Limits()) -> None:  # noqa: B008 frozen
        self.path = path
        self._limits = limits
        with ExitStack() as opened, _failing(path):
            there = open_database(path, opened)
            self._reader, self._lock = there.reader, there.lock
            self.is_writable = there.lock is not None
            self.note = there.note
            """What there is to say to those who keep the store; empty where all is well."""
            self._kept_from, self._revision = local_rows.state(self._reader)
            self._writer = Writer(there.writer, self._revision)
            self._resources = opened.pop_all()
        self._database = there.writer
        self._packer = Packer(self._read_dictionary)
        self._thread = ThreadPoolExecutor(1, "store")
        """Commits and trains. One thread: each keeps memory of its own that is not given back."""
        self._pending: list[_Writing] = []
        self._flush: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._is_closed = False

    @property
    def revision(self) -> int:
        return self._revision

    @property
    def kept_from(self) -> int:
        """The oldest revision that a watch can still start from."""
        return self._kept_from

    async def get(self, key: Key) -> Entry | None:
        with _failing(self.path):
            row = local_rows.live(self._reader, key)
            return await self._entry(row) if row else None

    async def list(self, selection: Selection, paging: Paging) -> Page:
        revision, *after = read_token(paging.token) or (self._revision, "", "")
        if revision > self._revision:
            raise FutureError(revision)
        place = (str(after[0]), str(after[1]))
        found: list[Entry] = []
        size = 0
        with _failing(self.path):
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

    async def put(self, put: Put) -> Entry:
        return (await self._write((put,)))[0]

    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        return await self._write(tuple(puts)) if puts else ()

    async def delete(self, key: Key, expected: int | None = None) -> Entry:
        return (await self._write((Drop(key, expected),)))[0]

    async def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        if since > self._revision:
            raise FutureError(since)
        while not self._is_closed:
            if since < self._kept_from:
                raise GoneError(since)
            changed, upto = self._changed, self._revision
            if upto == since:
                await changed.wait()
                continue
            with _failing(self.path):
                changes = await self._changes(selection, since, upto)
            since = changes.revision
            yield changes

    async def close(self) -> None:
        """Waits for what is being written."""
        self._is_closed = True
        if self._flush is not None:
            await self._flush
        async with self._turn:
            self._wake()
            self._thread.shutdown()
            self._resources.close()

    async def tend(self) -> None:
        """Forgets the past beyond the limits, trains dictionaries, gives space back; to be called now and then.

        Raises: ``StoreError``.
        """
        if not self.is_writable:
            return
        await self._forget()
        for plural in await self._quietly(local_care.kinds_to_train):
            with _failing(self.path):
                content = await self._aside(train, local_care.samples(self._reader, plural))
            number = await self._quietly(partial(local_care.keep_dictionary, plural=plural, content=content))
            if content:
                self._writer.use_dictionary(plural, number)
        while await self._quietly(local_care.give_back_space):
            await asyncio.sleep(0)

    async def back_up(self, target: Path) -> None:
        """Raises: ``StoreError``."""
        await asyncio.to_thread(local_care.back_up, self.path, target)

    async def _forget(self) -> None:
        surplus = self._writer.history_bytes - self._limits.history_bytes
        revision = self._revision
        history = self._limits.history
        cut = await self._quietly(lambda d: local_care.first_to_keep(d, revision, history, surplus))
        # Before anything goes, so that nothing starts from what is about to.
        self._kept_from = max(self._kept_from, min(cut, revision))
        while True:
            count, size = await self._quietly(lambda d: local_care.forget(d, self._kept_from, revision))
            self._writer.history_bytes -= size
            if not count:
                return
            await asyncio.sleep(0)

    async def _quietly(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """``work`` over the writing connection, between commits."""
        async with self._turn:
            with _failing(self.path):
                try:
                    return work(self._database)
                finally:
                    if self._database.in_transaction:
                        self._database.execute("ROLLBACK")

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

    async def _write(self, operations: tuple[Operation, ...]) -> tuple[Entry, ...]:
        if self._is_closed:
            raise StoreError("the store is closed")
        if not self.is_writable:
            raise StoreError(
                f"the store {self.path} is read-only", hint="check the mode of the file and its folder"
            )
        writing = _Writing(operations, await _packed(operations), asyncio.get_running_loop().create_future())
        self._pending.append(writing)
        if self._flush is None:
            self._flush = asyncio.create_task(self._flush_all())
        # Should the caller be cancelled, the write goes on: it may already be durable.
        return await asyncio.shield(writing.done)

    async def _flush_all(self) -> None:
        try:
            while self._pending:
                async with self._turn:
                    batch, self._pending = self._pending, []
                    await self._commit(batch)
        finally:
            self._flush = None

    async def _commit(self, batch: Sequence["_Writing"]) -> None:
        try:
            self._writer.begin()
            outcomes = [await self._attempt(writing) for writing in batch]
            await self._aside(self._writer.commit)
        except sqlite3.Error as error:
            self._roll_back()
            for writing in batch:
                _refuse(writing.done, refusal(error, self.path))
            return
        self._revision = self._writer.revision
        if self._lock is not None:
            self._lock.remember(self._revision)
        for writing, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, ConflictError):
                _refuse(writing.done, outcome)
            elif not writing.done.done():
                writing.done.set_result(outcome)
        self._wake()

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            self._writer.rollback()

    async def _attempt(self, writing: "_Writing") -> tuple[Entry, ...] | ConflictError:
        before = self._writer.revision
        is_group = len(writing.operations) > 1
        if is_group:
            self._writer.start_group()
        entries: list[Entry] = []
        try:
            for number, operation in enumerate(writing.operations):
                entries.append(self._writer.apply(operation, writing.packed.get(number)))
                if number % _OPERATIONS_AT_A_TIME == _OPERATIONS_AT_A_TIME - 1:
                    await asyncio.sleep(0)
        except ConflictError as conflict:
            if is_group:
                self._writer.undo_group(before)
            return conflict
        if is_group:
            self._writer.end_group()
        return tuple(entries)

    async def _aside(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *arguments))

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class _Writing(Struct):
    """Operations that are written together or not at all."""

    operations: tuple[Operation, ...]
    packed: dict[int, bytes]
    """Bodies compressed before, by the number of their operation."""
    done: asyncio.Future[tuple[Entry, ...]]


async def _packed(operations: Sequence[Operation]) -> dict[int, bytes]:
    packed = {}
    for number, operation in enumerate(operations):
        if isinstance(operation, Put) and len(operation.content.body) > LARGE_BYTES:
            packer = Packer(lambda _: b"")
            packed[number] = await asyncio.to_thread(packer.pack, operation.content.body, 0)
    return packed


def _refuse(done: "asyncio.Future[tuple[Entry, ...]]", error: StoreError) -> None:
    if not done.done():
        done.set_exception(error)
        # The reader may have left; that is no fault to be logged.
        done.exception()


@contextmanager
def _failing(path: Path) -> Iterator[None]:
    """What SQLite and zstd complain about, in our words."""
    try:
        yield
    except sqlite3.Error as error:
        raise refusal(error, path) from error
    except zstandard.ZstdError as error:
        raise StoreError(
            f"the store {path} is damaged: a body cannot be read", hint="restore a backup"
        ) from error
