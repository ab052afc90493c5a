"""The tables in PostgreSQL: beyond some fifty clusters. Row-level security holds every statement to one tenant.

Threads ask, and one event loop of its own speaks to the database.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg

from leadline.api.carriers.postgres_schema import FAILURES, refusal
from leadline.errors import StoreError, UsageError
from leadline.programs.provider.database import EVERYONE, Row, TakenError
from leadline.programs.provider.schema import (
    BY_TIME,
    POSTGRES_BY_DETAIL,
    POSTGRES_SEARCHED,
    VACUUMED,
    partition_of_month,
    partition_of_tenant,
    postgres_in_parts,
    postgres_policies,
    postgres_tables,
)

T = TypeVar("T")
_CONNECTIONS = 8
_COMMAND_S = 120.0
_ANSWER_S = 150.0
_UPGRADE_S = 86_400.0
"""An upgrade rewrites the tables of an earlier version, however large they are."""
_LOCK = 0x1EAD9A0
_REBUILD_LOCK = 0x1EAD9A1
_VERSION = 8
_BEGIN = "BEGIN; SET LOCAL leadline.tenant = '{tenant:d}'; SET LOCAL jit = off;"
# By an index always: what PostgreSQL knows of a table is old after a large message, and nothing in the first minute.
_BY_INDEX = "SET LOCAL enable_seqscan = off;"
# Tables are joined in the order of the statement, each by an index, and planned for what is asked.
_AS_WRITTEN = (
    f"{_BY_INDEX} SET LOCAL join_collapse_limit = 1; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
    " SET LOCAL plan_cache_mode = force_custom_plan; SET TRANSACTION READ ONLY;"
)


_MOST_WAITING = 1_000
"""Rows of one statement: the time that a larger one may take is its own."""
_FIRST_ANALYSIS = 2_000
"""Rows that were written."""
_REBUILDING = 200_000
"""Rows that are written between two looks at how much room indexes take, at least; a thousand clusters write so many in a day."""
_LOOSE = """
SELECT i.indexrelid::regclass::text, t.reltuples FROM pg_inherits h JOIN pg_class t ON t.oid = h.inhrelid JOIN pg_index i ON i.indrelid = t.oid
  WHERE h.inhparent = 'finding'::regclass AND i.indisvalid AND t.reltuples > 50000 AND pg_relation_size(i.indexrelid)
  > 1.1 * t.reltuples * coalesce(substring(obj_description(i.indexrelid, 'pg_class') FROM '^([0-9]{1,9}[.][0-9]{2}) bytes for each row')::float, 0)
"""
"""Indexes of partitions that take a tenth more for a row than when they were built, which a comment on each says.

An index says nothing of how loose it is: findings that share a key share its bytes, as many as they are in these clusters.
"""
_BUILT = "SELECT round((pg_relation_size(oid) / reltuples)::numeric, 2) FROM pg_class WHERE oid = $1::text::regclass AND reltuples > 0"
_LEFT_BEHIND = """
SELECT i.indexrelid::regclass::text FROM pg_inherits h JOIN pg_index i ON i.indrelid = h.inhrelid
  WHERE h.inhparent = 'finding'::regclass AND NOT i.indisvalid AND i.indexrelid::regclass::text ~ '_cc(new|old)[0-9]*$'
"""
"""As PostgreSQL names what a rebuilding makes and takes away: an index that a person is making is not valid either."""
_ANALYSIS = "ANALYZE finding, gone, object, detail, source, tally, message, day, place_day, image, package, vulnerability, ranked"

log = logging.getLogger(__name__)


class PostgresDatabase:
    def __init__(self, address: str) -> None:
        """``address`` begins with ``postgresql://``. Raises: ``StoreError``, ``UsageError``."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="postgresql", daemon=True)
        self._thread.start()
        self._pool: Any = None
        self._months: set[str] = set()
        self._written, self._analysed_at, self._rebuilt_at = (
            0,
            _FIRST_ANALYSIS,
            _REBUILDING,
        )
        self._care: Future[None] | None = None
        self._is_rebuilding = False
        try:
            self._pool = self._done(_pool(address))
            self._done(self._prepare(), _UPGRADE_S + _ANSWER_S)
        except BaseException:
            self.close()
            raise

    async def _prepare(self) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(
                "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
            ):
                raise UsageError(
                    "this role of PostgreSQL is not held to row-level security",
                    hint="use one without SUPERUSER and BYPASSRLS, which owns the database",
                )
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            await connection.execute("CREATE TABLE IF NOT EXISTS version(number INTEGER NOT NULL)")
            version = await connection.fetchval("SELECT max(number) FROM version")
            if version is None:
                await connection.execute(postgres_tables())
                await connection.execute("INSERT INTO version VALUES ($1)", _VERSION)
            elif version > _VERSION:
                raise StoreError(
                    "the provider's tables in PostgreSQL were written by a later version",
                    hint="use that version",
                )
            elif version < _VERSION:
                await connection.execute(f"SET LOCAL leadline.tenant = '{EVERYONE}'")
                partitions = [
                    one[0]
                    for one in await connection.fetch(
                        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'finding'::regclass"
                    )
                ]
                smaller = POSTGRES_BY_DETAIL + "".join(VACUUMED.format(name=one) for one in partitions)
                for last, later in (
                    (2, postgres_in_parts(partitions)),
                    (3, BY_TIME),
                    (5, postgres_policies()),
                    (7, smaller),
                    (8, POSTGRES_SEARCHED),
                ):
                    if version < last:
                        await connection.execute(later, timeout=_UPGRADE_S)
                await connection.execute("UPDATE version SET number = $1", _VERSION)

    def close(self) -> None:
        if self._loop.is_closed():
            return
        if self._pool is not None:
            if self._care is not None:
                if self._is_rebuilding:
                    # It may take minutes, and the next start can do it again.
                    self._care.cancel()
                with suppress(TimeoutError, CancelledError):
                    self._care.result(_ANSWER_S)
            self._done(self._pool.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _done(self, work: Coroutine[Any, Any, T], timeout_s: float = _ANSWER_S) -> T:
        """Raises: ``StoreError``, ``TakenError``."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)
        except asyncpg.UniqueViolationError as error:
            raise TakenError(str(error)) from error
        except (*FAILURES, ValueError) as error:
            raise refusal(error, "the provider's tables") from error

    def read(self, tenant: int, text: str, *given: Any, by_first: bool = False) -> list[Row]:
        return self._done(self._read(tenant, text, given, "SET LOCAL enable_sort = off;" if by_first else ""))

    async def _read(self, tenant: int, text: str, given: Sequence[Any], more: str = "") -> list[Row]:
        async with self._pool.acquire() as connection:
            await connection.execute(_BEGIN.format(tenant=tenant) + _AS_WRITTEN + more)
            try:
                return [tuple(row) for row in await connection.fetch(_numbered(text), *given)]
            finally:
                await _ended(connection, "ROLLBACK")

    @contextmanager
    def writing(self, tenant: int, *, is_lasting: bool = True) -> Iterator["PostgresWriting"]:
        write = PostgresWriting(self, tenant, is_lasting=is_lasting)
        try:
            yield write
            self._done(write.end("COMMIT"))
        except BaseException:
            self._done(write.end("ROLLBACK"))
            raise
        self._count(write.rows)

    def _count(self, rows: int) -> None:
        """Has PostgreSQL look at its tables each time they have doubled: by itself it does a minute later, or for no table in parts.

        Indexes that have grown loose are rebuilt. One thing at a time: two would wait for each other.
        """
        self._written += rows
        if self._care is not None and not self._care.done():
            return
        if self._written >= self._analysed_at:
            self._analysed_at = 2 * self._written
            self._is_rebuilding = False
            self._care = asyncio.run_coroutine_threadsafe(self._cared(_analyse), self._loop)
        elif self._written >= self._rebuilt_at:
            self.rebuild_loose_indexes()

    def rebuild_loose_indexes(self) -> Future[None]:
        """Beside what reads and writes, neither of which waits for it."""
        self._is_rebuilding = True
        self._rebuilt_at = self._written + _REBUILDING
        self._care = asyncio.run_coroutine_threadsafe(self._cared(self._rebuild), self._loop)
        return self._care

    async def _rebuild(self, connection: Any) -> None:
        """Where no other process does: two would wait for each other, and one would take the other's unfinished index for left behind."""
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _REBUILD_LOCK):
            return
        try:
            await self._rebuild_alone(connection)
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", _REBUILD_LOCK)

    async def _rebuild_alone(self, connection: Any) -> None:
        for (name,) in await connection.fetch(_LEFT_BEHIND):
            # Of a rebuilding that ended early.
            await connection.execute(f"DROP INDEX CONCURRENTLY {name}")
        for name, rows in await connection.fetch(_LOOSE):
            begin = time.monotonic()
            await connection.execute(f"REINDEX INDEX CONCURRENTLY {name}", timeout=_UPGRADE_S)
            if size := await connection.fetchval(_BUILT, name):
                await connection.execute(
                    f"COMMENT ON INDEX {name} IS '{size} bytes for each row when it was built'"
                )
            # None grows by a tenth before: while a fleet reports first, what is built soon is loose again.
            self._rebuilt_at = max(self._rebuilt_at, self._written + int(rows) // 4)
            log.info("the index %s was rebuilt in %.0f s", name, time.monotonic() - begin)

    async def _cared(self, work: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        try:
            async with self._pool.acquire() as connection:
                await work(connection)
        except FAILURES as error:
            log.warning(
                "PostgreSQL has not looked after its tables, so that questions may take longer: %s",
                error,
            )

    async def begun(self, tenant: int, *, is_lasting: bool) -> Any:
        connection = await self._pool.acquire()
        try:
            words = "" if is_lasting else "SET LOCAL synchronous_commit = off;"
            # The provider itself sums whole tables.
            words += _BY_INDEX if tenant != EVERYONE else ""
            await connection.execute(_BEGIN.format(tenant=tenant) + words)
        except BaseException:
            await self._pool.release(connection)
            raise
        return connection

    async def released(self, connection: Any) -> None:
        await self._pool.release(connection)

    def add_tenant(self, tenant: int) -> None:
        self._made(f"finding_{tenant:d}", partition_of_tenant(tenant))

    def begin_month(self, month: str) -> None:
        if month not in self._months:
            self._made(*partition_of_month(month))
            self._months.add(month)

    def _made(self, name: str, statement: str) -> None:
        with self.writing(EVERYONE) as write:
            write.run("SELECT pg_advisory_xact_lock(?)", _LOCK)
            if write.run("SELECT to_regclass(?) IS NULL", name)[0][0]:
                self._done(write.execute(statement))


class PostgresWriting:
    """One transaction, begun with its first statement.

    What answers nothing waits for what does, or for the end: each time that a thread asks the loop costs more than most statements.
    """

    def __init__(self, database: PostgresDatabase, tenant: int, *, is_lasting: bool) -> None:
        self._database = database
        self._tenant, self._is_lasting = tenant, is_lasting
        self._connection: Any = None
        self._waiting: list[tuple[str, Sequence[Sequence[Any]]]] = []
        self.rows = 0
        """That were written."""

    def run(self, text: str, *given: Any) -> list[Row]:
        return self._database._done(self._run(text, given))

    def many(self, text: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self.rows += len(rows)
            self._waiting.append((text, rows))
            if len(rows) > _MOST_WAITING:
                self._database._done(self._write())

    async def _run(self, text: str, given: Sequence[Any]) -> list[Row]:
        await self._write()
        return [tuple(row) for row in await self._connection.fetch(_numbered(text), *given)]

    async def execute(self, script: str) -> None:
        await self._write()
        await self._connection.execute(script)

    async def _write(self) -> None:
        """What waits, in its order."""
        if self._connection is None:
            self._connection = await self._database.begun(self._tenant, is_lasting=self._is_lasting)
        waiting, self._waiting = self._waiting, []
        for text, rows in waiting:
            await self._connection.executemany(_numbered(text), rows)

    async def end(self, word: str) -> None:
        """``COMMIT`` or ``ROLLBACK``; after an error of the first the second is to follow."""
        if word == "COMMIT" and self._waiting:
            await self._write()
        if self._connection is None:
            return
        if word == "COMMIT":
            await self._connection.execute(word)
        else:
            await _ended(self._connection, word)
        connection, self._connection = self._connection, None
        await self._database.released(connection)


async def _analyse(connection: Any) -> None:
    await connection.execute(_ANALYSIS, timeout=_UPGRADE_S)


async def _pool(address: str) -> Any:
    async def prepare(connection: Any) -> None:
        # As SQLite has them: bytes.
        await connection.set_type_codec(
            "uuid", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
        )

    return await asyncpg.create_pool(
        address,
        min_size=1,
        max_size=_CONNECTIONS,
        command_timeout=_COMMAND_S,
        init=prepare,
        reset=_as_it_is,
    )


async def _ended(connection: Any, word: str) -> None:
    """Where the connection is lost, the database has undone what was begun."""
    try:
        await connection.execute(word)
    except FAILURES:
        return


async def _as_it_is(connection: Any) -> None:
    """Every setting is one of its transaction alone."""


@lru_cache(maxsize=500)
def _numbered(text: str) -> str:
    """With ``$1`` and so on. No text of ours holds a question mark otherwise."""
    first, *rest = text.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))
