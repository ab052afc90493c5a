"""The tables in PostgreSQL: beyond some fifty clusters. Row-level security holds every statement to one tenant.

Threads ask, and one event loop of its own speaks to the database.
"""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg

from leadline.api.carriers.postgres_schema import refusal
from leadline.errors import StoreError, UsageError
from leadline.programs.provider.database import EVERYONE, Row, TakenError
from leadline.programs.provider.schema import (
    BY_DETAIL_AND_TIME,
    BY_TIME,
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
_VERSION = 5
_BEGIN = "BEGIN; SET LOCAL leadline.tenant = '{tenant:d}'; SET LOCAL jit = off;"
# By an index always: what PostgreSQL knows of a table is old after a large message, and nothing in the first minute.
_BY_INDEX = "SET LOCAL enable_seqscan = off;"
# Tables are joined in the order of the statement, each by an index, and planned for what is asked.
_AS_WRITTEN = (
    f"{_BY_INDEX} SET LOCAL join_collapse_limit = 1; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
    " SET LOCAL plan_cache_mode = force_custom_plan; SET TRANSACTION READ ONLY;"
)


_FIRST_ANALYSIS = 2_000
"""Rows that were written."""
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
        self._written, self._analysed_at = 0, _FIRST_ANALYSIS
        self._analysis: Future[None] | None = None
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
                if version == 1:
                    partitions = await connection.fetch(
                        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'finding'::regclass"
                    )
                    statements = postgres_in_parts(one[0] for one in partitions)
                    await connection.execute(statements, timeout=_UPGRADE_S)
                for last, later in ((3, BY_TIME), (4, BY_DETAIL_AND_TIME), (5, postgres_policies())):
                    if version < last:
                        await connection.execute(later, timeout=_UPGRADE_S)
                await connection.execute("UPDATE version SET number = $1", _VERSION)

    def close(self) -> None:
        if self._loop.is_closed():
            return
        if self._pool is not None:
            if self._analysis is not None:
                with suppress(TimeoutError):
                    self._analysis.result(_ANSWER_S)
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
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ValueError) as error:
            raise refusal(error) from error

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
        connection = self._done(self._begin(tenant, is_lasting=is_lasting))
        try:
            yield (write := PostgresWriting(self, connection))
            self._done(connection.execute("COMMIT"))
            self._count(write.rows)
        except BaseException:
            self._done(_ended(connection, "ROLLBACK"))
            raise
        finally:
            self._done(self._pool.release(connection))

    def _count(self, rows: int) -> None:
        """Has PostgreSQL look at its tables each time they have doubled: by itself it does a minute later, or for no table in parts."""
        self._written += rows
        if self._written >= self._analysed_at and (self._analysis is None or self._analysis.done()):
            self._analysed_at = 2 * self._written
            self._analysis = asyncio.run_coroutine_threadsafe(self._analyse(), self._loop)

    async def _analyse(self) -> None:
        try:
            async with self._pool.acquire() as connection:
                await connection.execute(_ANALYSIS, timeout=_UPGRADE_S)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            log.warning(
                "PostgreSQL has not looked at its tables, so that questions may take longer: %s", error
            )

    async def _begin(self, tenant: int, *, is_lasting: bool) -> Any:
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
                self._done(write.connection.execute(statement))


class PostgresWriting:
    def __init__(self, database: PostgresDatabase, connection: Any) -> None:
        self._database = database
        self.connection = connection
        self.rows = 0
        """That were written."""

    def run(self, text: str, *given: Any) -> list[Row]:
        rows = self._database._done(self.connection.fetch(_numbered(text), *given))
        return [tuple(row) for row in rows]

    def many(self, text: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self.rows += len(rows)
            self._database._done(self.connection.executemany(_numbered(text), rows))


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
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        return


async def _as_it_is(connection: Any) -> None:
    """Every setting is one of its transaction alone."""


@lru_cache(maxsize=500)
def _numbered(text: str) -> str:
    """With ``$1`` and so on. No text of ours holds a question mark otherwise."""
    first, *rest = text.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))
