"""The tables in one SQLite file: up to some fifty clusters."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leadline.api.carriers.local_schema import refusal
from leadline.errors import StoreError
from leadline.programs.provider.database import Row, TakenError, head_of, mark_of, searched_name, tail_of
from leadline.programs.provider.schema import (
    BY_TIME,
    OLD_SQLITE,
    SQLITE_BY_DETAIL,
    SQLITE_SEARCHED,
    carry_over,
    sqlite_in_parts,
    sqlite_tables,
)

_APPLICATION_ID = 0x1EAD9A0


class SqliteDatabase:
    """One writes at a time, readers see what was committed."""

    def __init__(self, path: Path) -> None:
        """Raises: ``StoreError`` where the file is none of ours or of a later version."""
        self._path = path
        self._lock = threading.Lock()
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        try:
            # For its owner alone, also in a folder that others may enter.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StoreError(f"cannot open {path}: {(error.strerror or str(error)).lower()}") from error
        if not path.is_file():
            raise StoreError(f"{path} is not a file")
        with self._failing():
            self._writer = self._connected()
            self._migrate()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.execute("PRAGMA journal_mode = WAL")
        # The log is synced before: what a loss of power takes from here is made anew of it.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("PRAGMA foreign_keys = ON")
        self._connections.append(connection)
        return connection

    def _migrate(self) -> None:
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        mark = self._writer.execute("PRAGMA application_id").fetchone()[0]
        newest = len(OLD_SQLITE) + 7
        if version > newest:
            raise StoreError(f"{self._path} was written by a later version", hint="use that version")
        if version and mark != _APPLICATION_ID:
            raise StoreError(f"{self._path} is not a provider's database")
        if version == newest:
            return
        self._writer.create_function("mark_of", -1, mark_of, deterministic=True)
        self._writer.create_function("head_of", 1, head_of, deterministic=True)
        self._writer.create_function("tail_of", 2, tail_of, deterministic=True)
        self._writer.create_function("searched_name", 2, searched_name, deterministic=True)
        if not version:
            steps = [sqlite_tables()]
        elif version > len(OLD_SQLITE) + 1:
            # The third step made an index that the fourth replaces.
            steps = [sqlite_in_parts(), BY_TIME, "", SQLITE_BY_DETAIL, SQLITE_SEARCHED][version - newest :]
        else:
            steps = [*OLD_SQLITE[version - 1 :], carry_over(), SQLITE_SEARCHED]
        # Tables that reference others are made anew.
        self._writer.execute("PRAGMA foreign_keys = OFF")
        self._writer.executescript(
            f"BEGIN; {' '.join(steps)} PRAGMA user_version = {newest}; PRAGMA application_id = {_APPLICATION_ID}; COMMIT;"
        )
        self._writer.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        """The last connection that is closed folds what was written into the one file."""
        while self._connections:
            self._connections.pop().close()

    def read(self, tenant: int, text: str, *given: Any, by_first: bool = False) -> list[Row]:
        """Through this thread's own connection; nothing is written through it."""
        found: sqlite3.Connection | None = getattr(self._local, "reader", None)
        with self._failing():
            if found is None:
                found = self._local.reader = self._connected()
                found.execute("PRAGMA query_only = 1")
            return found.execute(text, given).fetchall()

    @contextmanager
    def writing(self, tenant: int, *, is_lasting: bool = True) -> Iterator["SqliteWriting"]:
        with self._lock, self._failing():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteWriting(self._writer)
                self._writer.execute("COMMIT")
            except BaseException:
                # A full disk has undone it already.
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Raises: ``StoreError`` for what SQLite refuses, as the database in PostgreSQL does."""
        try:
            yield
        except sqlite3.Error as error:
            raise refusal(error, self._path, "provider's database") from error

    def add_tenant(self, tenant: int) -> None:
        """One table holds the rows of all."""

    def begin_month(self, month: str) -> None:
        """One table holds all months."""


class SqliteWriting:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, text: str, *given: Any) -> list[Row]:
        try:
            return self._connection.execute(text, given).fetchall()
        except sqlite3.IntegrityError as error:
            raise TakenError(str(error)) from error

    def many(self, text: str, rows: Sequence[Sequence[Any]]) -> None:
        self._connection.executemany(text, rows)
