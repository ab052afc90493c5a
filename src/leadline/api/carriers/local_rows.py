"""What the local store reads: the SQL of the verbs, and rows as values."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

from msgspec import Struct

from leadline.api.protocol import ADDED, DELETED, MODIFIED
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError

TYPES = (ADDED, MODIFIED, DELETED)
"""By the number they are stored as."""
ROWS_AT_A_TIME = 500
_METADATA = "revision, type, plural, namespace, name, metadata, columns, before, size, dictionary, checksum"

_NO_BODY = "x''"


class Row(Struct, frozen=True):
    """One version as stored; ``packed`` is empty where bodies were not asked for."""

    revision: int
    type: int
    plural: str
    namespace: str
    name: str
    metadata: bytes
    columns: bytes
    before: bytes | None
    size: int
    """Of the body, unpacked."""
    dictionary: int
    checksum: int | None
    packed: bytes

    @property
    def key(self) -> Key:
        return Key(self.plural, self.namespace, self.name)


def checksum_of(metadata: bytes, columns: bytes, before: bytes | None) -> int:
    """Of what is beside the body of a version."""
    return crc32(before or b"", crc32(columns, crc32(metadata)))


def _sound(found: Sequence[Any]) -> Row:
    """Raises: ``StoreError`` where what is beside the body is not what was written: a list would not be JSON with it."""
    row = Row(*found)
    if row.checksum is not None and row.checksum != checksum_of(row.metadata, row.columns, row.before):
        raise StoreError(
            f"the store is damaged: {row.plural} {row.namespace}/{row.name} cannot be read",
            hint="delete that object, or restore a backup",
        )
    return row


def state(database: sqlite3.Connection) -> tuple[int, int]:
    """(the oldest revision to start from, the newest given)."""
    kept_from, last = database.execute("SELECT kept_from, last FROM state").fetchone()
    newest = database.execute("SELECT coalesce(max(revision), 0) FROM version").fetchone()[0]
    return int(kept_from), max(int(last), int(newest))


def live(database: sqlite3.Connection, key: Key) -> Row | None:
    found = database.execute(
        f"SELECT {_METADATA}, body FROM version WHERE plural=? AND namespace=? AND name=? AND dead IS NULL",  # noqa: S608 ours
        (key.plural, key.namespace, key.name),
    ).fetchone()
    return _sound(found) if found else None


def page(
    database: sqlite3.Connection, selection: Selection, revision: int, after: tuple[str, str]
) -> Iterator[Row]:
    """At most ``ROWS_AT_A_TIME`` rows of the snapshot at ``revision``, by namespace and name; labels are not looked at."""
    where = ["plural=?", "revision<=?", "(dead IS NULL OR dead>?)"]
    values: list[str | int] = [selection.plural, revision, revision]
    if selection.namespace:
        where += ["namespace=?", "name>?"]
        # Of another namespace, the place is one to start after only where it comes earlier.
        values += [selection.namespace, after[1] if after[0] in ("", selection.namespace) else ""]
    else:
        where.append("(namespace, name)>(?, ?)")
        values += after
    if selection.name:
        where.append("name=?")
        values.append(selection.name)
    sql = f"SELECT {_columns(selection)} FROM version WHERE {' AND '.join(where)} ORDER BY namespace, name LIMIT ?"  # noqa: S608 ours
    return (_sound(found) for found in database.execute(sql, (*values, ROWS_AT_A_TIME)))


def since(database: sqlite3.Connection, selection: Selection, after: int, upto: int) -> Iterator[Row]:
    """At most ``ROWS_AT_A_TIME`` versions after one revision, in order; labels are not looked at."""
    where = ["revision>?", "revision<=?"]
    values: list[str | int] = [after, upto]
    for column, wanted in (
        ("plural", selection.plural),
        ("namespace", selection.namespace),
        ("name", selection.name),
    ):
        if wanted:
            where.append(f"+{column}=?")  # the plus keeps to the order of revisions
            values.append(wanted)
    sql = f"SELECT {_columns(selection)} FROM version WHERE {' AND '.join(where)} ORDER BY revision LIMIT ?"  # noqa: S608 ours
    return (_sound(found) for found in database.execute(sql, (*values, ROWS_AT_A_TIME)))


def dictionary(database: sqlite3.Connection, number: int) -> bytes:
    found = database.execute("SELECT content FROM dictionary WHERE id=?", (number,)).fetchone()
    return bytes(found[0]) if found else b""


def newest_dictionaries(database: sqlite3.Connection) -> dict[str, int]:
    """By plural."""
    found = database.execute("SELECT plural, max(id) FROM dictionary WHERE length(content)>0 GROUP BY plural")
    return {str(plural): int(number) for plural, number in found}


def _columns(selection: Selection) -> str:
    return f"{_METADATA}, {'body' if selection.with_body else _NO_BODY}"
