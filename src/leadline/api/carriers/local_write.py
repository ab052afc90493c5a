"""The writing half of the local store: operations applied within one open transaction."""

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from leadline.api.carriers import local_rows
from leadline.api.carriers.packing import Packer
from leadline.api.protocol import (
    ABSENT,
    ADDED,
    DELETED,
    EMPTY,
    MODIFIED,
    ConflictError,
    Content,
    Drop,
    Entry,
    Put,
)
from leadline.api.selection import Key, labels_of

_ADD, _MODIFY, _DELETE = (local_rows.TYPES.index(t) for t in (ADDED, MODIFIED, DELETED))
_OLD = """SELECT revision, metadata, columns, length(body) FROM version
WHERE plural=? AND namespace=? AND name=? AND dead IS NULL"""
_INSERT = "INSERT INTO version VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)"


Operation = Put | Drop


class Writer:
    """Between ``begin`` and ``commit`` or ``rollback``; ``revision`` is the newest given."""

    def __init__(self, database: sqlite3.Connection, revision: int) -> None:
        self._database = database
        self._packer = Packer(lambda number: local_rows.dictionary(database, number))
        self._committed = self.revision = revision
        self._dictionaries = local_rows.newest_dictionaries(database)
        self.history_bytes = int(
            database.execute(
                "SELECT coalesce(sum(length(body)), 0) FROM version WHERE dead IS NOT NULL"
            ).fetchone()[0]
        )
        """Of the bodies that only the history holds."""

    def begin(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._database.execute("COMMIT")
        self._committed = self.revision

    def rollback(self) -> None:
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")
        self.revision = self._committed

    def use_dictionary(self, plural: str, number: int) -> None:
        self._dictionaries[plural] = number

    def start_group(self) -> None:
        """Operations from here on can be undone by ``undo_group``."""
        self._database.execute("SAVEPOINT one_group")

    def end_group(self) -> None:
        self._database.execute("RELEASE one_group")

    def undo_group(self, revision: int) -> None:
        self._database.execute("ROLLBACK TO one_group")
        self._database.execute("RELEASE one_group")
        self.revision = revision

    def apply(self, operation: Operation, packed: bytes | None = None) -> Entry:
        """``packed`` is a body that was compressed before, without a dictionary.

        Raises: ``ConflictError``, with nothing written.
        """
        key = operation.key
        place = (key.plural, key.namespace, key.name)
        old = self._database.execute(_OLD, place).fetchone()
        current = int(old[0]) if old else ABSENT
        if operation.expected not in (None, current) or (old is None and isinstance(operation, Drop)):
            raise ConflictError(key, current)
        self.revision += 1
        if old:
            self._database.execute("UPDATE version SET dead=? WHERE revision=?", (self.revision, current))
            self.history_bytes += old[3]
        if isinstance(operation, Drop):
            return self._bury(key, old)
        return self._insert(operation, old[1] if old else None, packed)

    def _insert(self, put: Put, old_metadata: bytes | None, packed: bytes | None) -> Entry:
        key, content = put.key, put.content
        dictionary = 0
        if packed is None:
            dictionary = self._dictionaries.get(key.plural, 0)
            packed = self._packer.pack(content.body, dictionary)
        before = None if old_metadata is None else _labels_alone(old_metadata)
        self._database.execute(
            _INSERT,
            (
                self.revision,
                None,
                _ADD if old_metadata is None else _MODIFY,
                key.plural,
                key.namespace,
                key.name,
                content.metadata,
                content.columns,
                before,
                len(content.body),
                dictionary,
                packed,
                local_rows.checksum_of(content.metadata, content.columns, before),
            ),
        )
        return Entry(key, self.revision, content)

    def _bury(self, key: Key, old: Sequence[object]) -> Entry:
        """The row of a deletion keeps what a watcher is shown of it, and no body."""
        _, metadata, columns, *_ = old
        assert isinstance(metadata, bytes)
        assert isinstance(columns, bytes)
        place = (key.plural, key.namespace, key.name)
        checksum = local_rows.checksum_of(metadata, columns, metadata)
        dead = (self.revision, self.revision, _DELETE, *place)
        self._database.execute(_INSERT, (*dead, metadata, columns, metadata, len(EMPTY), 0, b"", checksum))
        return Entry(key, self.revision, Content(metadata, columns, EMPTY))


def _labels_alone(metadata: bytes) -> bytes:
    labels: Mapping[str, str] = labels_of(metadata)
    return msgspec.json.encode({"labels": labels})
