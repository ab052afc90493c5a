"""What of a sender's state a provider has acknowledged, in one SQLite file, and the one message that is on its way.

A message is the difference between what is and what was acknowledged, so that what comes and goes while a provider is away
folds by itself; it is counted. Acknowledged messages are kept for a provider that is set back to a backup.
"""

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from msgspec import Struct

from leadline.api.provider.wire import (
    Changes,
    FoundFinding,
    GoneFinding,
    Measured,
    NamedWorkload,
    RankedWorkload,
    digest_of,
    encoded,
)
from leadline.errors import StoreError
from leadline.foreign_errors import in_words
from leadline.scans.submitting.sending import Parcel, Remembered, parcel_of

Mark = tuple[str, int]
"""Fingerprint and ordinal."""
MOST_OPENED = 50_000
"""In one message; the others follow in the next."""
_MOST_RANKED = 5_000
_MOST_IMAGES = 5_000
KEPT_BYTES = 32 << 20
"""Of acknowledged messages, compressed; the oldest go."""
_SCHEMA = """
CREATE TABLE state(
  one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL, previous TEXT NOT NULL, verifier TEXT NOT NULL,
  checkpoint TEXT NOT NULL, dropped INTEGER NOT NULL, place TEXT NOT NULL);
CREATE TABLE known(fingerprint BLOB NOT NULL, ordinal INTEGER NOT NULL, content BLOB NOT NULL,
  PRIMARY KEY(fingerprint, ordinal)) WITHOUT ROWID;
CREATE TABLE message(
  sequence INTEGER PRIMARY KEY, key TEXT NOT NULL, body BLOB NOT NULL, before TEXT NOT NULL, checkpoint TEXT);
"""
_BESIDE = """
CREATE TABLE IF NOT EXISTS ranked(place TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS image(
  digest TEXT PRIMARY KEY, content TEXT NOT NULL, before TEXT NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS manifest(
  name TEXT PRIMARY KEY, version TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
"""
_LARGEST = 256 << 20
_VERSION = 1
"""Of the tables; an outbox of before says 0, and gets what it lacks."""


class Seen(Struct, frozen=True):
    """What a sender knows at one moment; ``None`` where nothing can be said now."""

    findings: Mapping[Mark, FoundFinding]
    undecided: frozenset[str] = frozenset()
    """Fingerprints of what a control could not judge: it is not gone."""
    is_whole: bool = True
    """Whether every result could be read; nothing is gone where one could not."""
    ranks: Mapping[str, RankedWorkload] | None = None
    """By what names the workload."""
    images: frozenset[str] | None = None
    """Digests of all that are stored."""


def place_of(workload: NamedWorkload) -> str:
    return msgspec.json.encode((workload.group, workload.kind, workload.namespace, workload.name)).decode()


class Outgoing(Struct, frozen=True):
    sequence: int
    parcel: Parcel


class Outbox:
    """One process uses it at a time."""

    def __init__(self, path: Path, place: str) -> None:
        """``place``: address of the source; an outbox serves one.

        Raises: ``StoreError`` where the file is damaged, in use, or of another source.
        """
        self._path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # What is open there is for its owner alone.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1)
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            tables = {row[0] for row in self._database.execute("SELECT name FROM sqlite_master")}
            if tables and not {"state", "known", "message"} <= tables:
                self._database.close()
                raise StoreError(f"{path} is not an outbox", hint="name a file that does not exist yet")
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                self._database.close()
                raise StoreError(
                    f"{path} was written by a later version of leadline", hint="use that version"
                )
            self._database.execute(f"PRAGMA user_version = {_VERSION}")
            if not tables:
                self._database.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
                self._database.execute("INSERT INTO state VALUES (1, 0, '', '', '', 0, ?)", (place,))
            self._database.executescript(_BESIDE)
            served = self._row("place")[0]
            self._digests = {
                (mark.hex(), ordinal): content
                for mark, ordinal, content in self._database.execute("SELECT * FROM known")
            }
            self._ranks: dict[str, bytes] = dict(self._database.execute("SELECT * FROM ranked"))
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"cannot use the outbox {path}: {in_words(error)}") from error
        if served != place:
            self._database.close()
            raise StoreError(f"the outbox {path} belongs to {served}", hint="use one outbox for each source")

    def close(self) -> None:
        self._database.close()

    @property
    def sequence(self) -> int:
        """Of the last message that was acknowledged."""
        return int(self._row("sequence")[0])

    @property
    def dropped(self) -> int:
        """Changes that came and went before they could be sent, since the last message."""
        return int(self._row("dropped")[0])

    @property
    def remembered(self) -> Remembered | None:
        """``None`` before the first contact."""
        key, checkpoint = self._row("verifier, checkpoint")
        return Remembered(key, checkpoint) if key else None

    def meet(self, provider: Remembered) -> None:
        """After the first contact."""
        self._database.execute(
            "UPDATE state SET verifier = ?, checkpoint = ?", (provider.verifier, provider.checkpoint)
        )

    def drop(self, changes: int) -> None:
        """Counts what nothing will be said of."""
        self._database.execute("UPDATE state SET dropped = dropped + ?", (changes,))

    def distance(self, seen: Seen) -> int:
        """Findings that are not as they were acknowledged."""
        return len(self._opened(seen)) + len(self._gone(seen))

    def differs(self, seen: Seen) -> bool:
        return bool(
            self.distance(seen) or self._ranked(seen) or self._unranked(seen) or self._gone_images(seen)
        )

    def outgoing(self) -> Outgoing | None:
        """The message that is on its way; its bytes and its key never change."""
        row = self._database.execute(
            "SELECT sequence, key, body FROM message WHERE checkpoint IS NULL ORDER BY sequence LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        sequence, key, packed = row
        plain = zstandard.ZstdDecompressor().decompress(packed, max_output_size=_LARGEST)
        return Outgoing(sequence, Parcel("changes", key, packed, plain))

    def prepare(self, seen: Seen, measured: Measured, deleted_objects: int) -> Outgoing:
        """The next message, once the one before is acknowledged."""
        sequence, previous, dropped, before = self._row("sequence, previous, dropped, checkpoint")
        opened = self._opened(seen)[:MOST_OPENED]
        gone = tuple(GoneFinding(*mark) for mark in self._gone(seen))
        changes = Changes(
            sequence + 1,
            previous,
            measured,
            tuple(seen.findings[mark] for mark in opened),
            gone,
            deleted_objects,
            dropped,
            self._ranked(seen)[:_MOST_RANKED],
            self._unranked(seen)[:_MOST_RANKED],
            self._gone_images(seen)[:_MOST_IMAGES],
        )
        parcel = parcel_of(changes, str(uuid.uuid4()))
        with self._transaction():
            self._database.execute(
                "INSERT INTO message VALUES (?, ?, ?, ?, NULL)",
                (sequence + 1, parcel.key, parcel.packed, before),
            )
            self._database.execute("UPDATE state SET dropped = 0")
        return Outgoing(sequence + 1, parcel)

    def acknowledge(self, message: Outgoing, checkpoint: str) -> None:
        """``checkpoint``: of the receipt, which was checked."""
        plain = message.parcel.plain
        changes = msgspec.json.decode(plain, type=Changes)
        with self._transaction():
            if message.sequence > self.sequence:
                for one in changes.gone:
                    self._digests.pop((one.fingerprint, one.ordinal), None)
                    self._database.execute(
                        "DELETE FROM known WHERE fingerprint = ? AND ordinal = ?",
                        (bytes.fromhex(one.fingerprint), one.ordinal),
                    )
                for finding in changes.opened:
                    content = _digest(finding)
                    self._digests[finding.fingerprint, finding.ordinal] = content
                    self._database.execute(
                        "INSERT OR REPLACE INTO known VALUES (?, ?, ?)",
                        (bytes.fromhex(finding.fingerprint), finding.ordinal, content),
                    )
                self._take_beside(changes)
                self._database.execute(
                    "UPDATE state SET sequence = ?, previous = ?", (message.sequence, digest_of(plain))
                )
            self._database.execute("UPDATE state SET checkpoint = ?", (checkpoint,))
            self._database.execute(
                "UPDATE message SET checkpoint = ? WHERE sequence = ?", (checkpoint, message.sequence)
            )
            self._database.execute(
                "DELETE FROM message WHERE checkpoint IS NOT NULL AND sequence IN (SELECT sequence FROM (SELECT sequence,"
                " sum(length(body)) OVER (ORDER BY sequence DESC) AS held FROM message) WHERE held > ?)",
                (KEPT_BYTES,),
            )

    def is_sent(self, manifest: str, version: str) -> bool:
        """Whether what is stored under that name was sent as it is."""
        row = self._database.execute("SELECT version FROM manifest WHERE name = ?", (manifest,)).fetchone()
        return row is not None and row[0] == version

    def has_image(self, digest: str, content: str) -> bool:
        """``content``: digest of what was sent of it."""
        row = self._database.execute("SELECT content FROM image WHERE digest = ?", (digest,)).fetchone()
        return row is not None and row[0] == content

    def note_manifest(self, manifest: str, version: str, digest: str) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?)", (manifest, version, digest)
        )

    def image_sent(self, digest: str, content: str, checkpoint: str, size: int) -> None:
        """``checkpoint``: of the receipt, and the ``size`` that it signs."""
        with self._transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO image VALUES (?, ?, ?, ?)",
                (digest, content, self._row("checkpoint")[0], size),
            )
            self._database.execute("UPDATE state SET checkpoint = ?", (checkpoint,))

    def rewind(self, expected: int, size: int, size_of: Callable[[str], int]) -> bool:
        """Has what the provider lost sent again; false where it is not kept any more.

        ``expected``: number of the message that it waits for; ``size``: of its log; ``size_of``: of a checkpoint.
        """
        rows = self._database.execute("SELECT sequence, before, checkpoint FROM message").fetchall()
        if expected > self.sequence + 1 or (
            expected <= self.sequence and expected not in {row[0] for row in rows}
        ):
            return False
        notes = {note for row in rows for note in row[1:] if note is not None}
        notes |= {row[0] for row in self._database.execute("SELECT before FROM image")}
        # Before its first entry a log has no checkpoint.
        held = [(size_of(note) if note else 0, note) for note in notes]
        base = max((one for one in held if one[0] <= size), default=None)
        if base is None:
            return False
        with self._transaction():
            self._database.execute("UPDATE message SET checkpoint = NULL WHERE sequence >= ?", (expected,))
            self._database.execute("UPDATE state SET checkpoint = ?", (base[1],))
            lost = "(SELECT digest FROM image WHERE size > ?)"
            self._database.execute(f"DELETE FROM manifest WHERE digest IN {lost}", (size,))  # noqa: S608 ours
            self._database.execute("DELETE FROM image WHERE size > ?", (size,))
        return True

    def _ranked(self, seen: Seen) -> tuple[RankedWorkload, ...]:
        ranks = seen.ranks or {}
        return tuple(one for place, one in sorted(ranks.items()) if self._ranks.get(place) != _digest(one))

    def _unranked(self, seen: Seen) -> tuple[NamedWorkload, ...]:
        if seen.ranks is None:
            return ()
        gone = sorted(self._ranks.keys() - seen.ranks.keys())
        return tuple(
            NamedWorkload(kind, name, namespace, group)
            for group, kind, namespace, name in map(msgspec.json.decode, gone)
        )

    def _gone_images(self, seen: Seen) -> tuple[str, ...]:
        if seen.images is None:
            return ()
        known = {row[0] for row in self._database.execute("SELECT digest FROM image")}
        return tuple(sorted(known - seen.images))

    def _take_beside(self, changes: Changes) -> None:
        for gone in changes.unranked:
            self._ranks.pop(place_of(gone), None)
            self._database.execute("DELETE FROM ranked WHERE place = ?", (place_of(gone),))
        for rank in changes.ranked:
            place, content = place_of(rank), _digest(rank)
            self._ranks[place] = content
            self._database.execute("INSERT OR REPLACE INTO ranked VALUES (?, ?)", (place, content))
        for digest in changes.gone_images:
            self._database.execute("DELETE FROM manifest WHERE digest = ?", (digest,))
            self._database.execute("DELETE FROM image WHERE digest = ?", (digest,))

    def _opened(self, seen: Seen) -> list[Mark]:
        return sorted(mark for mark, one in seen.findings.items() if self._digests.get(mark) != _digest(one))

    def _gone(self, seen: Seen) -> list[Mark]:
        unseen = self._digests.keys() - seen.findings.keys() if seen.is_whole else ()
        return sorted(mark for mark in unseen if mark[0] not in seen.undecided)

    def _row(self, columns: str) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self._database.execute(f"SELECT {columns} FROM state").fetchone()  # noqa: S608 ours
        return row

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            # A full disk has undone it already.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise


def _digest(one: FoundFinding | RankedWorkload) -> bytes:
    return sha256(encoded(one)).digest()[:16]
