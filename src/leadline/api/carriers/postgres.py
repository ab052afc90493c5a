"""A store in PostgreSQL, for several replicas of a program, any of which may die.

Revisions are given under the lock of one row, so that they become visible in their order; each commit notifies all
replicas of the newest. A replica that loses its connection looks for itself until it has another.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg
import zstandard

from leadline.api.carriers.packing import Packer
from leadline.api.carriers.postgres_schema import CHANNEL, FAILURES, Connection, migrate, refusal
from leadline.api.protocol import (
    ADDED,
    DELETED,
    EMPTY,
    MAX_PAGE_BYTES,
    MODIFIED,
    Changes,
    ConflictError,
    Content,
    Drop,
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

log = logging.getLogger(__name__)
DEFAULT_HISTORY = 10_000
ROWS_AT_A_TIME = 500
_TYPES = (ADDED, MODIFIED, DELETED)
_LOOK_EVERY_S = 5.0
"""Without a notification; also how long a lost connection is waited for."""
_COMMAND_S = 60.0
_CLOSE_S = 10.0
"""For what is being written to end; the pool itself would wait for ever for a server that does not answer."""
_TENDING = 0x1EAD11F
_METADATA = "revision, type, plural, namespace, name, metadata, columns, before, size"
_PUT = "SELECT * FROM put_version($1, $2, $3, $4, $5, $6, $7, $8, $9)"


class PostgresStore:
    """Made by ``open_postgres``; belongs to the event loop it was opened in."""

    def __init__(self, pool: Any, history: int, close_s: float = _CLOSE_S) -> None:
        self._pool = pool
        self._close_s = close_s
        self._history = history
        self._packer = Packer(lambda _: b"")
        self._revision = 0
        self._changed = asyncio.Event()
        self._is_closed = False
        self._listening: asyncio.Task[None] | None = None

    @property
    def revision(self) -> int:
        return self._revision

    async def start(self) -> None:
        """Raises: ``StoreError``."""
        with _failing():
            async with self._pool.acquire() as connection:
                await migrate(connection)
            await self._look()
        self._listening = asyncio.create_task(self._listen())

    async def get(self, key: Key) -> Entry | None:
        with _failing():
            row = await self._pool.fetchrow(
                f"SELECT {_METADATA}, body FROM version WHERE plural=$1 AND namespace=$2 AND name=$3 AND dead IS NULL",  # noqa: S608 ours
                key.plural,
                key.namespace,
                key.name,
            )
            return self._entry(row) if row else None

    async def list(self, selection: Selection, paging: Paging) -> Page:
        position = read_token(paging.token)
        with _failing():
            await self._look()
            revision, *after = position or (self._revision, "", "")
            if revision > self._revision:
                raise FutureError(revision)
            place = (str(after[0]), str(after[1]))
            found: list[Entry] = []
            size = 0
            while True:
                rows = await self._page(selection, revision, place)
                if revision < await self._look():
                    raise GoneError(revision)
                for row in rows:
                    place = (row["namespace"], row["name"])
                    if not selection.covers(_key(row)) or not selection.matches_labels(row["metadata"]):
                        continue
                    size += row["size"] if selection.with_body else 0
                    if found and (len(found) >= paging.limit or size > paging.max_bytes):
                        last = found[-1].key
                        return Page(
                            tuple(found), revision, write_token((revision, last.namespace, last.name))
                        )
                    found.append(self._entry(row))
                if len(rows) < ROWS_AT_A_TIME:
                    return Page(tuple(found), revision, "")

    async def put(self, put: Put) -> Entry:
        return (await self._write((put,)))[0]

    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        return await self._write(tuple(puts)) if puts else ()

    async def delete(self, key: Key, expected: int | None = None) -> Entry:
        return (await self._write((Drop(key, expected),)))[0]

    async def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        with _failing():
            await self._look()
        if since > self._revision:
            raise FutureError(since)
        while not self._is_closed:
            changed, upto = self._changed, self._revision
            if upto == since:
                await changed.wait()
                continue
            with _failing():
                changes = await self._changes(selection, since, upto)
                if since < await self._look():
                    raise GoneError(since)
            since = changes.revision
            yield changes

    async def close(self) -> None:
        """Waits for what is being written, but not for a server that does not answer."""
        if self._is_closed:
            return
        self._is_closed = True
        self._wake()
        closing = asyncio.ensure_future(self._end())
        try:
            # Not wait_for, which would wait for the task that it cancels.
            await asyncio.wait((closing,), timeout=self._close_s)
        finally:
            if not closing.done():
                log.warning(
                    "PostgreSQL did not answer within %g s; its connections are dropped", self._close_s
                )
                self._pool.terminate()
                closing.cancel()
        if not closing.cancelled() and closing.done() and (error := closing.exception()) is not None:
            log.warning("the connections to PostgreSQL did not close: %s", error)

    async def _end(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait((self._listening,))
        await self._pool.close()

    async def tend(self) -> None:
        """Forgets the past beyond the history; one replica does it at a time. Raises: ``StoreError``."""
        with _failing():
            async with self._pool.acquire() as connection, connection.transaction():
                if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _TENDING):
                    return
                cut = await connection.fetchval(
                    "UPDATE state SET kept_from = greatest(kept_from, last - $1) RETURNING kept_from",
                    self._history,
                )
            await self._pool.execute("DELETE FROM version WHERE dead <= $1", cut)

    async def _page(self, selection: Selection, revision: int, after: tuple[str, str]) -> Sequence[Any]:
        where = ["plural=$1", "revision<=$2", "(dead IS NULL OR dead>$2)", "(namespace, name)>($3, $4)"]
        values: list[Any] = [selection.plural, revision, *after]
        _narrow(where, values, namespace=selection.namespace, name=selection.name)
        sql = f"SELECT {_columns(selection)} FROM version WHERE {' AND '.join(where)} ORDER BY namespace, name LIMIT {ROWS_AT_A_TIME}"  # noqa: S608 ours
        found: Sequence[Any] = await self._pool.fetch(sql, *values)
        return found

    async def _changes(self, selection: Selection, since: int, upto: int) -> Changes:
        where = ["revision>$1", "revision<=$2"]
        values: list[Any] = [since, upto]
        _narrow(where, values, plural=selection.plural, namespace=selection.namespace, name=selection.name)
        sql = f"SELECT {_columns(selection)} FROM version WHERE {' AND '.join(where)} ORDER BY revision LIMIT {ROWS_AT_A_TIME}"  # noqa: S608 ours
        rows = await self._pool.fetch(sql, *values)
        events: list[Event] = []
        size = 0
        for row in rows:
            event = event_of(Version(_TYPES[row["type"]], self._entry(row), row["before"]), selection)
            if event is not None:
                events.append(event)
                size += row["size"] if selection.with_body else 0
            if size > MAX_PAGE_BYTES:
                return Changes(tuple(events), row["revision"])
        return Changes(tuple(events), upto if len(rows) < ROWS_AT_A_TIME else rows[-1]["revision"])

    async def _write(self, operations: Sequence[Put | Drop]) -> tuple[Entry, ...]:
        if self._is_closed:
            raise StoreError("the store is closed")
        with _failing():
            async with self._pool.acquire() as connection, connection.transaction():
                # Locked before anything is read, so that of two writers the second sees what the first has done.
                await connection.execute("SELECT 1 FROM state FOR UPDATE")
                entries = tuple([await self._apply(connection, operation) for operation in operations])
                await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, str(entries[-1].revision))
        self._reach(entries[-1].revision)
        return entries

    async def _apply(self, connection: Connection, operation: Put | Drop) -> Entry:
        """Raises: ``ConflictError``, which undoes the transaction."""
        key = operation.key
        content = operation.content if isinstance(operation, Put) else Content(b"{}", b"[]", EMPTY)
        row = await connection.fetchrow(
            _PUT,
            key.plural,
            key.namespace,
            key.name,
            operation.expected,
            content.metadata,
            content.columns,
            len(content.body),
            self._packer.pack(content.body, 0),
            isinstance(operation, Drop),
        )
        if row["new_revision"] is None:
            raise ConflictError(key, row["current_revision"])
        if isinstance(operation, Drop):
            content = Content(row["old_metadata"], row["old_columns"], EMPTY)
        return Entry(key, row["new_revision"], content)

    def _entry(self, row: Any) -> Entry:
        body = row["body"]
        if body:
            body = self._packer.unpack(body, 0)
        return Entry(_key(row), row["revision"], Content(row["metadata"], row["columns"], body))

    async def _look(self) -> int:
        """Takes the newest revision from the tables; the oldest that is kept."""
        row = await self._pool.fetchrow("SELECT kept_from, last FROM state")
        self._reach(row["last"])
        return int(row["kept_from"])

    async def _listen(self) -> None:
        while True:
            try:
                async with self._pool.acquire() as connection:
                    await connection.add_listener(CHANNEL, self._heard)
                    try:
                        while not connection.is_closed():
                            await self._look()
                            await asyncio.sleep(_LOOK_EVERY_S)
                    finally:
                        if not connection.is_closed():
                            await connection.remove_listener(CHANNEL, self._heard)
            except FAILURES as error:
                log.warning("the connection to PostgreSQL was lost: %s", error)
            await asyncio.sleep(_LOOK_EVERY_S / 10)

    def _heard(self, _: Any, __: int, ___: str, payload: str) -> None:
        if payload.isdecimal():
            self._reach(int(payload))

    def _reach(self, revision: int) -> None:
        if revision > self._revision:
            self._revision = revision
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def open_postgres(
    address: str, history: int = DEFAULT_HISTORY, connections: int = 8, close_s: float = _CLOSE_S
) -> PostgresStore:
    """``address`` begins with ``postgresql://``. Raises: ``StoreError``."""
    with _failing():
        pool = await asyncpg.create_pool(
            address, min_size=2, max_size=connections, command_timeout=_COMMAND_S
        )
    store = PostgresStore(pool, history, close_s)
    try:
        await store.start()
    except StoreError:
        await store.close()
        raise
    return store


def _key(row: Any) -> Key:
    return Key(row["plural"], row["namespace"], row["name"])


def _narrow(where: list[str], values: list[Any], **columns: str) -> None:
    for column, wanted in columns.items():
        if wanted:
            values.append(wanted)
            where.append(f"{column}=${len(values)}")


def _columns(selection: Selection) -> str:
    return f"{_METADATA}, body" if selection.with_body else f"{_METADATA}, ''::bytea AS body"


@contextmanager
def _failing() -> Iterator[None]:
    """What PostgreSQL and the connection complain about, in our words."""
    try:
        yield
    except FAILURES as error:
        raise refusal(error) from error
    except zstandard.ZstdError as error:
        raise StoreError("the store in PostgreSQL is damaged: a body cannot be read") from error
