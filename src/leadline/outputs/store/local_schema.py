"""The tables of the local store, as numbered migrations, and how its file is opened."""

import errno
import fcntl
import os
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path

from leadline.errors import StoreError
from leadline.outputs.store.protocol import FullError

MIGRATIONS = (
    """
    CREATE TABLE version(
      revision INTEGER PRIMARY KEY,
      dead INTEGER,
      type INTEGER NOT NULL,
      plural TEXT NOT NULL,
      namespace TEXT NOT NULL,
      name TEXT NOT NULL,
      metadata BLOB NOT NULL,
      columns BLOB NOT NULL,
      before BLOB,
      size INTEGER NOT NULL,
      dictionary INTEGER NOT NULL,
      body BLOB NOT NULL);
    CREATE UNIQUE INDEX live ON version(plural, namespace, name) WHERE dead IS NULL;
    CREATE INDEX page ON version(plural, namespace, name, revision);
    CREATE INDEX dead ON version(dead) WHERE dead IS NOT NULL;
    CREATE TABLE dictionary(id INTEGER PRIMARY KEY, plural TEXT NOT NULL, trained_on INTEGER NOT NULL, content BLOB NOT NULL);
    CREATE TABLE state(id INTEGER PRIMARY KEY CHECK (id = 1), kept_from INTEGER NOT NULL, last INTEGER NOT NULL);
    """,
)
"""Each is applied once, in order; ``PRAGMA user_version`` says how many were. Never edited, only added to.

``version`` holds every version of every object. ``dead`` is the revision that replaced it, so that one table is the
live set, the history of watches and the snapshots that paged lists read. A deletion is a row that is born dead.
"""

APPLICATION_ID = 0x1EAD11E
_PAGES_PER_CHECKPOINT = 4000


def open_database(path: Path, resources: ExitStack) -> tuple[sqlite3.Connection, sqlite3.Connection, bool]:
    """(for writing, for reading, whether it can be written).

    A second process that opens the same file is refused; a file that cannot be written is served read-only.

    Raises: ``StoreError`` where the file is damaged, in use, no store, or of a later version.
    """
    try:
        is_writable = _lock(path, resources)
        writer = _connect(path, is_writable, resources)
        if is_writable:
            migrate(writer, path)
        else:
            _check_version(writer, path)
        return writer, _connect(path, False, resources), is_writable
    except sqlite3.Error as error:
        raise refusal(error, path) from error


def migrate(database: sqlite3.Connection, path: Path) -> None:
    """Brings the tables up to date, in one transaction.

    A new store starts at the clock in microseconds, so that it never gives revisions again that clients know from a
    store that was lost.
    """
    if not database.execute("SELECT 1 FROM sqlite_schema").fetchone():
        database.execute("PRAGMA auto_vacuum=INCREMENTAL")
        database.execute(f"PRAGMA application_id={APPLICATION_ID}")
    done = _check_version(database, path)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute(f"PRAGMA wal_autocheckpoint={_PAGES_PER_CHECKPOINT}")
    for number, script in enumerate(MIGRATIONS[done:], done + 1):
        database.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version={number}; COMMIT")
    first = time.time_ns() // 1000
    database.execute("INSERT OR IGNORE INTO state VALUES(1, ?, ?)", (first, first))


def _check_version(database: sqlite3.Connection, path: Path) -> int:
    """How many migrations the file has seen."""
    done = int(database.execute("PRAGMA user_version").fetchone()[0])
    application = int(database.execute("PRAGMA application_id").fetchone()[0])
    is_empty = not database.execute("SELECT 1 FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and not (is_empty and done == 0):
        raise StoreError(f"{path} is a database, but no store of results", hint="choose another file")
    if done > len(MIGRATIONS):
        raise StoreError(f"{path} was written by a later version", hint="use that version")
    return done


def refusal(error: sqlite3.Error, path: Path) -> StoreError:
    """``error`` in words that say what to do."""
    name = getattr(error, "sqlite_errorname", "")
    text = str(error)
    if name.startswith("SQLITE_FULL"):
        return FullError(f"the store {path} cannot grow: {text}", hint="make room on its disk")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreError(f"the store {path} is damaged: {text}", hint="restore a backup; it was not changed")
    if name.startswith("SQLITE_READONLY"):
        return StoreError(f"the store {path} is read-only", hint="check the mode of the file and its folder")
    return StoreError(f"the store {path}: {text}")


def _connect(path: Path, is_writable: bool, resources: ExitStack) -> sqlite3.Connection:
    name = path.absolute().as_uri() + ("" if is_writable else "?mode=ro")
    database = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False, timeout=10)
    resources.enter_context(closing(database))
    database.execute("PRAGMA cache_size=-2048")
    return database


def _lock(path: Path, resources: ExitStack) -> bool:
    """Keeps other processes out for as long as ``resources`` live; ``False`` where the file cannot be written."""
    folder = path.parent
    if not folder.is_dir():
        raise StoreError(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return False
    try:
        lock = resources.enter_context((folder / f"{path.name}.lock").open("ab"))
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreError(f"the store {path} is in use by another process") from error
    except OSError as error:
        if error.errno == errno.EROFS:
            return False
        raise StoreError(f"cannot open the store {path}: {(error.strerror or str(error)).lower()}") from error
    return True
