"""The tables of the local store, as numbered migrations, and how its file is opened."""

import errno
import fcntl
import os
import sqlite3
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from leadline.api.carriers import local_rows
from leadline.api.protocol import FullError
from leadline.errors import StoreError

_DIGITS = 20
_TOO_LARGE = 10**17
"""No clock of microseconds comes near it for a thousand years: the file is damaged."""


class Lock:
    """Held until the process ends or ``resources`` are closed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        content = os.pread(file.fileno(), _DIGITS, 0)
        newest = int(content) if content.isdigit() else 0
        self.newest = newest if newest < _TOO_LARGE else 0
        """Given by the store that was served here last; 0 where that is not known."""

    def remember(self, revision: int) -> None:
        """After each commit; what a crash takes of it is missed by nothing."""
        with suppress(OSError):
            os.pwrite(self._file.fileno(), b"%0*d" % (_DIGITS, revision), 0)


def lock(path: Path, resources: ExitStack) -> Lock | None:
    """``None`` where the store cannot be written. Raises: ``StoreError`` where another process has it."""
    folder = path.parent
    if not folder.is_dir():
        raise StoreError(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return None
    try:
        # Neither truncated nor appended to: what it remembers is of use only to whom the lock is given.
        descriptor = os.open(folder / f"{path.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        file = resources.enter_context(os.fdopen(descriptor, "r+b", buffering=0))
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreError(f"the store {path} is in use by another process") from error
    except OSError as error:
        if error.errno == errno.EROFS:
            return None
        raise StoreError(f"cannot open the store {path}: {(error.strerror or str(error)).lower()}") from error
    return Lock(file)


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
    "ALTER TABLE version ADD COLUMN checksum INTEGER",
)
"""Each is applied once, in order; ``PRAGMA user_version`` says how many were. Never edited, only added to.

``version`` holds every version of every object. ``dead`` is the revision that replaced it, so that one table is the
live set, the history of watches and the snapshots that paged lists read. A deletion is a row that is born dead.
``checksum`` is of what is beside the body, which has its own; rows from before it have none.
"""

APPLICATION_ID = 0x1EAD11E
_PAGES_PER_CHECKPOINT = 4000


MARGIN = 10**9
"""Revisions a lost store may have given after its backup, should the clock have been set back meanwhile."""


class Opened(Struct):
    writer: sqlite3.Connection
    reader: sqlite3.Connection
    lock: Lock | None
    """``None`` where the store cannot be written."""
    note: str = ""
    """What there is to say to those who keep the store; empty where all is well."""


def open_database(path: Path, resources: ExitStack) -> Opened:
    """The connections, and the lock that is held meanwhile.

    A second process that opens the same file is refused; a file that cannot be written is served read-only.

    Raises: ``StoreError`` where the file is damaged, in use, no store, or of a later version.
    """
    try:
        held = lock(path, resources)
        writer = _connect(path, held is not None, resources)
        note = ""
        if held is not None:
            migrate(writer, path, held.newest)
            note = _catch_up(writer, path, held.newest)
        else:
            if version_of(writer, path) < len(MIGRATIONS):
                raise StoreError(
                    f"the store {path} is of an earlier version and cannot be written",
                    hint="open it once where it can be written",
                )
            note = f"the store {path} is read-only: what is in it is served, and nothing written"
        return Opened(writer, _connect(path, False, resources), held, note)
    except sqlite3.Error as error:
        raise refusal(error, path) from error


def open_to_read(path: Path, resources: ExitStack) -> sqlite3.Connection:
    """A connection that leaves the file to the process that writes it.

    Raises: ``StoreError`` where it is not there, is not a store, or is of another version.
    """
    if not path.is_file():
        raise StoreError(f"there is no store {path}")
    try:
        reader = _connect(path, False, resources)
        if version_of(reader, path) < len(MIGRATIONS):
            raise StoreError(
                f"the store {path} is of an earlier version", hint="open it once where it can be written"
            )
        return reader
    except sqlite3.Error as error:
        raise refusal(error, path) from error


def migrate(database: sqlite3.Connection, path: Path, newest: int = 0) -> None:
    """Brings the tables up to date, in one transaction.

    A new store starts at the clock in microseconds, and after ``newest`` where the clock was set back, so that it never
    gives revisions again that clients know from a store that was lost.
    """
    if not database.execute("SELECT 1 FROM sqlite_schema").fetchone():
        database.execute("PRAGMA auto_vacuum=INCREMENTAL")
        database.execute(f"PRAGMA application_id={APPLICATION_ID}")
    done = version_of(database, path)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute(f"PRAGMA wal_autocheckpoint={_PAGES_PER_CHECKPOINT}")
    for number, script in enumerate(MIGRATIONS[done:], done + 1):
        database.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version={number}; COMMIT")
    first = _new_start(newest)
    database.execute("INSERT OR IGNORE INTO state VALUES(1, ?, ?)", (first, first))


def _catch_up(database: sqlite3.Connection, path: Path, newest: int) -> str:
    """Takes an older copy of a store above all that the lost one has given; what there is to say about it."""
    last = local_rows.state(database)[1]
    if last >= newest:
        return ""
    start_anew(database, _new_start(newest))
    return f"the store {path} is older than the one that was served here before: it was restored, and watches start over"


def start_anew(database: sqlite3.Connection, revision: int) -> None:
    """Goes on after ``revision``; every watch and every list has to begin again."""
    database.execute("BEGIN IMMEDIATE")
    database.execute("DELETE FROM version WHERE dead IS NOT NULL")
    database.execute("UPDATE state SET kept_from=?, last=?", (revision, revision))
    database.execute("COMMIT")


def _new_start(newest: int) -> int:
    return max(time.time_ns() // 1000, newest + MARGIN if newest else 0)


def version_of(database: sqlite3.Connection, path: Path) -> int:
    """How many migrations the file has seen; 0 of an empty one. Raises: ``StoreError``."""
    done = int(database.execute("PRAGMA user_version").fetchone()[0])
    application = int(database.execute("PRAGMA application_id").fetchone()[0])
    is_empty = not database.execute("SELECT 1 FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and not (is_empty and done == 0):
        raise StoreError(f"{path} is a database, but no store of results", hint="choose another file")
    if done > len(MIGRATIONS):
        raise StoreError(f"{path} was written by a later version", hint="use that version")
    return done


def refusal(error: sqlite3.Error, path: Path, what: str = "store") -> StoreError:
    """``error`` in words that say what to do; ``what`` the file ``path`` holds."""
    name = getattr(error, "sqlite_errorname", "")
    text = str(error)
    if name.startswith("SQLITE_FULL"):
        return FullError(f"the {what} {path} cannot grow: {text}", hint="make room on its disk")
    if name.startswith("SQLITE_NOTADB"):
        hint = "check the path, or restore a backup; it was not changed"
        return StoreError(f"{path} is not a {what}, or its start is damaged", hint=hint)
    if name.startswith("SQLITE_CORRUPT"):
        return StoreError(
            f"the {what} {path} is damaged: {text}", hint="restore a backup; it was not changed"
        )
    if name.startswith("SQLITE_READONLY"):
        return StoreError(f"the {what} {path} is read-only", hint="check the mode of the file and its folder")
    return StoreError(f"cannot use the {what} {path}: {text}")


def _connect(path: Path, is_writable: bool, resources: ExitStack) -> sqlite3.Connection:
    name = path.absolute().as_uri() + ("" if is_writable else "?mode=ro")
    database = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False, timeout=10)
    resources.enter_context(closing(database))
    database.execute("PRAGMA cache_size=-2048")
    return database
