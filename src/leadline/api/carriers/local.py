"""A store in one SQLite file, for one process: bodies compressed, writes of the same moment in one commit.

Statements run in the event loop (microseconds each); commits, which wait for the disk, run in a thread. Readers have a
connection of their own and so see only what is durable.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from leadline.api.carriers import local_care
from leadline.api.carriers.local_reading import LARGE_BYTES, LocalReading, failing
from leadline.api.carriers.local_schema import open_database, refusal
from leadline.api.carriers.local_write import Operation, Writer
from leadline.api.carriers.packing import Packer, train
from leadline.api.protocol import Changes, ConflictError, Drop, Entry, FutureError, GoneError, Put
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError

T = TypeVar("T")
DEFAULT_HISTORY = 10_000
DEFAULT_HISTORY_BYTES = 256 * 2**20
_OPERATIONS_AT_A_TIME = 100


class Limits(Struct, frozen=True):
    """How much of the past is kept for watches and paged lists, whichever is reached first."""

    history: int = DEFAULT_HISTORY
    """Revisions."""
    history_bytes: int = DEFAULT_HISTORY_BYTES
    """Of compressed bodies."""


class LocalStore(LocalReading):
    """Opens ``path``, or makes it. Belongs to the event loop that first writes to it; one of these and one process at

    a time may have a file open. Raises: ``StoreError``.
    """

    def __init__(self, path: Path, limits: Limits = Limits()) -> None:  # noqa: B008 frozen
        self._limits = limits
        with ExitStack() as opened, failing(path):
            there = open_database(path, opened)
            super().__init__(path, there.reader)
            self._lock = there.lock
            self.is_writable = there.lock is not None
            self.note = there.note
            """What there is to say to those who keep the store; empty where all is well."""
            self._writer = Writer(there.writer, self._revision)
            self._resources = opened.pop_all()
        self._database = there.writer
        self._thread = ThreadPoolExecutor(1, "store")
        """Commits and trains. One thread: each keeps memory of its own that is not given back."""
        self._pending: list[_Writing] = []
        self._flush: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._is_closed = False

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
            with failing(self.path):
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
            with failing(self.path):
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
            with failing(self.path):
                try:
                    return work(self._database)
                finally:
                    if self._database.in_transaction:
                        self._database.execute("ROLLBACK")

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
        # Should the caller be cancelled, the write continues: it may already be durable.
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
            with suppress(sqlite3.Error):
                self._writer.rollback()
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
