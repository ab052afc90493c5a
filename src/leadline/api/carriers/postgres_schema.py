"""The tables of the store in PostgreSQL, as numbered migrations."""

import time
from typing import Any

import asyncpg

from leadline.api.protocol import AwayError, FullError
from leadline.errors import StoreError

Connection = Any
"""asyncpg's connection, alone or from a pool."""
CHANNEL = "leadline_store"
"""Says the newest revision to every replica, at each commit."""
_MIGRATING = 0x1EAD11E
"""Key of the lock under which one replica migrates."""

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""It is stopped, starts, fails over, or has no connection or memory to spare; asyncpg finds itself in a wrong state where a connection is
lost between two statements.
"""
FAILURES = (*_AWAY, asyncpg.PostgresError)
"""All that PostgreSQL and its client complain about."""

MIGRATIONS = (
    """
    CREATE TABLE version(
      revision bigint PRIMARY KEY,
      dead bigint,
      type smallint NOT NULL,
      plural text COLLATE "C" NOT NULL,
      namespace text COLLATE "C" NOT NULL,
      name text COLLATE "C" NOT NULL,
      metadata bytea NOT NULL,
      columns bytea NOT NULL,
      before bytea,
      size bigint NOT NULL,
      body bytea NOT NULL);
    ALTER TABLE version ALTER COLUMN body SET STORAGE EXTERNAL;
    CREATE UNIQUE INDEX live ON version(plural, namespace, name) WHERE dead IS NULL;
    CREATE INDEX page ON version(plural, namespace, name, revision);
    CREATE INDEX dead ON version(dead) WHERE dead IS NOT NULL;
    CREATE TABLE state(id int PRIMARY KEY CHECK (id = 1), kept_from bigint NOT NULL, last bigint NOT NULL);

    CREATE FUNCTION put_version(
      p_plural text, p_namespace text, p_name text, p_expected bigint,
      p_metadata bytea, p_columns bytea, p_size bigint, p_body bytea, p_is_deletion boolean)
    RETURNS TABLE(new_revision bigint, current_revision bigint, old_metadata bytea, old_columns bytea)
    LANGUAGE plpgsql AS $$
    DECLARE old version%ROWTYPE;
    BEGIN
      SELECT * INTO old FROM version v
        WHERE v.plural = p_plural AND v.namespace = p_namespace AND v.name = p_name AND v.dead IS NULL;
      current_revision := coalesce(old.revision, 0);
      old_metadata := old.metadata;
      old_columns := old.columns;
      IF (p_expected IS NOT NULL AND p_expected <> current_revision) OR (p_is_deletion AND old.revision IS NULL) THEN
        RETURN NEXT;
        RETURN;
      END IF;
      UPDATE state SET last = last + 1 RETURNING last INTO new_revision;
      IF old.revision IS NOT NULL THEN
        UPDATE version SET dead = new_revision WHERE revision = old.revision;
      END IF;
      IF p_is_deletion THEN
        INSERT INTO version VALUES(new_revision, new_revision, 2, p_plural, p_namespace, p_name,
          old.metadata, old.columns, old.metadata, p_size, p_body);
      ELSE
        INSERT INTO version VALUES(new_revision, NULL, CASE WHEN old.revision IS NULL THEN 0 ELSE 1 END,
          p_plural, p_namespace, p_name, p_metadata, p_columns, old.metadata, p_size, p_body);
      END IF;
      RETURN NEXT;
    END $$;
    """,
)
"""Each is applied once, in order. Never edited, only added to.

The row of ``state`` is locked by the first write of a transaction until its end: revisions appear in their order.
"""


async def migrate(connection: Connection) -> None:
    """Brings the tables up to date; several replicas may start at a time.

    Raises: ``StoreError`` where a later version wrote them.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATING)
        await connection.execute("CREATE TABLE IF NOT EXISTS migrations(number int PRIMARY KEY)")
        done = int(await connection.fetchval("SELECT coalesce(max(number), 0) FROM migrations"))
        if done > len(MIGRATIONS):
            raise StoreError(
                "the store in PostgreSQL was written by a later version", hint="use that version"
            )
        for number, script in enumerate(MIGRATIONS[done:], done + 1):
            await connection.execute(script)
            await connection.execute("INSERT INTO migrations VALUES($1)", number)
        first = time.time_ns() // 1000
        await connection.execute("INSERT INTO state VALUES(1, $1, $1) ON CONFLICT DO NOTHING", first)


def refusal(error: Exception, what: str = "the store") -> StoreError:
    """``what``: the tables that were asked."""
    if isinstance(error, asyncpg.DiskFullError):
        return FullError(f"PostgreSQL has no room left: {error}", hint="make room on its disk")
    if isinstance(error, OSError) and error.strerror:
        why = error.strerror[:1].lower() + error.strerror[1:]
        return AwayError(
            f"PostgreSQL cannot be reached: {why}", hint="check that it runs and that its address is right"
        )
    if isinstance(error, TimeoutError):
        return AwayError("PostgreSQL does not answer in time", hint="look at what it waits for")
    why = f"{what} in PostgreSQL: {error}"
    return AwayError(why) if isinstance(error, _AWAY) else StoreError(why)
