"""What is open and what was, in one SQLite file: a view of the logs that can be made anew, beside tokens and sources."""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from leadline.api.provider.wire import Changes, FoundFinding, ImageContent, LogHead
from leadline.errors import StoreError, UsageError

Role = Literal["write", "read"]
SEVERITIES = ("critical", "high", "medium", "low", "unknown")
_MIGRATIONS = (
    """
    CREATE TABLE source(
      id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, created TEXT NOT NULL,
      every INTEGER NOT NULL, entries INTEGER NOT NULL DEFAULT 0, mode TEXT NOT NULL DEFAULT '',
      sequence INTEGER NOT NULL DEFAULT 0, previous TEXT NOT NULL DEFAULT '', received TEXT NOT NULL DEFAULT '',
      program TEXT NOT NULL DEFAULT '', rules TEXT NOT NULL DEFAULT '', objects INTEGER NOT NULL DEFAULT 0,
      judged INTEGER NOT NULL DEFAULT 0, unread INTEGER NOT NULL DEFAULT 0, UNIQUE(tenant, name));
    CREATE TABLE token(
      digest TEXT PRIMARY KEY, name TEXT NOT NULL, tenant TEXT NOT NULL, source INTEGER REFERENCES source,
      role TEXT NOT NULL, created TEXT NOT NULL, UNIQUE(tenant, name));
    CREATE TABLE finding(
      id INTEGER PRIMARY KEY, source INTEGER NOT NULL, fingerprint BLOB NOT NULL, ordinal INTEGER NOT NULL,
      control TEXT NOT NULL, severity INTEGER NOT NULL, grp TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL,
      name TEXT NOT NULL, file TEXT NOT NULL, path TEXT NOT NULL, accepted TEXT NOT NULL, first TEXT NOT NULL, gone TEXT);
    CREATE UNIQUE INDEX finding_open ON finding(source, fingerprint, ordinal) WHERE gone IS NULL;
    CREATE INDEX finding_of ON finding(kind, namespace, name) WHERE gone IS NULL;
    CREATE INDEX finding_control ON finding(control, source) WHERE gone IS NULL;
    CREATE INDEX finding_gone ON finding(source, gone) WHERE gone IS NOT NULL;
    CREATE TABLE tally(
      source INTEGER NOT NULL, severity INTEGER NOT NULL, open INTEGER NOT NULL, accepted INTEGER NOT NULL,
      PRIMARY KEY(source, severity)) WITHOUT ROWID;
    CREATE TABLE day(
      source INTEGER NOT NULL, day TEXT NOT NULL, severity INTEGER NOT NULL, open INTEGER NOT NULL,
      accepted INTEGER NOT NULL, opened INTEGER NOT NULL, gone INTEGER NOT NULL,
      PRIMARY KEY(source, day, severity)) WITHOUT ROWID;
    CREATE TABLE message(
      source INTEGER NOT NULL, key TEXT NOT NULL, sent TEXT NOT NULL, entry INTEGER NOT NULL, received TEXT NOT NULL,
      opened INTEGER NOT NULL, gone INTEGER NOT NULL, PRIMARY KEY(source, key)) WITHOUT ROWID;
    CREATE INDEX message_received ON message(received);
    CREATE TABLE alert(
      id INTEGER PRIMARY KEY, source INTEGER NOT NULL, kind TEXT NOT NULL, since TEXT NOT NULL, text TEXT NOT NULL,
      over TEXT NOT NULL DEFAULT '');
    CREATE INDEX alert_source ON alert(source, kind, over);
    """,
    """
    CREATE TABLE image(
      id INTEGER PRIMARY KEY, source INTEGER NOT NULL, digest TEXT NOT NULL, content TEXT NOT NULL, name TEXT NOT NULL,
      received TEXT NOT NULL, database TEXT NOT NULL, unread INTEGER NOT NULL, packages INTEGER NOT NULL,
      critical INTEGER NOT NULL, high INTEGER NOT NULL, exploited INTEGER NOT NULL, UNIQUE(source, digest));
    CREATE INDEX image_digest ON image(digest);
    CREATE TABLE package(
      id INTEGER PRIMARY KEY, image INTEGER NOT NULL REFERENCES image ON DELETE CASCADE, type TEXT NOT NULL,
      name TEXT NOT NULL, short TEXT NOT NULL, version TEXT NOT NULL);
    CREATE INDEX package_name ON package(short, version);
    CREATE INDEX package_image ON package(image);
    CREATE TABLE vulnerability(
      id INTEGER PRIMARY KEY, image INTEGER NOT NULL REFERENCES image ON DELETE CASCADE, vulnerability TEXT NOT NULL,
      package TEXT NOT NULL, version TEXT NOT NULL, severity TEXT NOT NULL, fixed TEXT NOT NULL, exploited INTEGER NOT NULL);
    CREATE INDEX vulnerability_id ON vulnerability(vulnerability);
    CREATE INDEX vulnerability_image ON vulnerability(image);
    """,
    "ALTER TABLE source ADD COLUMN scope TEXT NOT NULL DEFAULT '';",
    """
    ALTER TABLE source ADD COLUMN usual_objects INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE source ADD COLUMN usual_judged INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE source ADD COLUMN usual_unread INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE source ADD COLUMN usual_program TEXT NOT NULL DEFAULT '';
    UPDATE source SET usual_objects = objects, usual_judged = judged, usual_unread = unread, usual_program = program;
    """,
    "CREATE INDEX finding_was ON finding(kind, namespace, name) WHERE gone IS NOT NULL;",
)
OTHER_SCOPE, DAMAGED_LOG = "other-scope", "damaged-log"
_APPLICATION_ID = 0x1EAD9A0
VIEW = ("finding", "tally", "day", "message", "image")
"""The tables that the logs make, with the columns of ``source`` that ``apply`` writes."""
_MESSAGES_KEPT_DAYS = 30
_ALERTS_OF_A_SOURCE = 1_000


class Source(Struct, frozen=True):
    id: int
    tenant: str
    name: str
    kind: str
    created: str
    every: int
    """Seconds within which something is expected."""
    entries: int
    """Of its log, as far as the tables know them."""
    mode: str
    """``report`` or ``changes``, as its first message was; empty before."""
    sequence: int
    previous: str
    received: str
    program: str
    rules: str
    objects: int
    judged: int
    unread: int
    scope: str = ""
    """What its whole reports are about."""
    usual_objects: int = 0
    """As it was when nothing was suspicious about it, or a person settled that; so are the other three."""
    usual_judged: int = 0
    usual_unread: int = 0
    usual_program: str = ""


class Usual(Struct, frozen=True):
    """What the next message of a source is held against."""

    objects: int
    judged: int
    unread: int
    program: str


class Token(Struct, frozen=True):
    name: str
    tenant: str
    source: int | None
    role: Role


class Known(Struct, frozen=True):
    """A finding that is open."""

    control: str
    severity: str
    group: str
    kind: str
    namespace: str
    file: str
    accepted: str


class Done(Struct, frozen=True):
    """What a message did."""

    entry: int
    sent: str
    opened: int
    gone: int


class Tables:
    """Safe to use from several threads: one writes at a time, readers see what was committed."""

    def __init__(self, path: Path) -> None:
        """Raises: ``StoreError`` where the file is none of ours or of a later version."""
        self._path = path
        self._writing = threading.Lock()
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        try:
            # For its owner alone, also in a folder that others may enter.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._writer = self._connected()
            self._migrate()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path}: {error}") from error

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.row_factory = sqlite3.Row
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
        if version > len(_MIGRATIONS):
            raise StoreError(f"{self._path} was written by a later version of leadline")
        if version and mark != _APPLICATION_ID:
            raise StoreError(f"{self._path} is not a provider's database")
        for number in range(version, len(_MIGRATIONS)):
            self._writer.executescript(
                f"BEGIN; {_MIGRATIONS[number]}; PRAGMA user_version = {number + 1};"
                f" PRAGMA application_id = {_APPLICATION_ID}; COMMIT;"
            )

    def close(self) -> None:
        """The last connection that is closed folds what was written into the one file."""
        while self._connections:
            self._connections.pop().close()

    @property
    def reader(self) -> sqlite3.Connection:
        """This thread's own connection; nothing is written through it."""
        found: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if found is None:
            found = self._local.reader = self._connected()
            found.execute("PRAGMA query_only = 1")
        return found

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    # Sources and tokens.

    def add_source(self, tenant: str, name: str, kind: str, every: int, now: str) -> None:
        """Raises: ``UsageError`` where there is one of that name."""
        try:
            with self._transaction() as write:
                write.execute(
                    "INSERT INTO source(tenant, name, kind, every, created) VALUES (?, ?, ?, ?, ?)",
                    (tenant, name, kind, every, now),
                )
        except sqlite3.IntegrityError:
            raise UsageError(f"there is a source {name} already") from None

    def add_token(self, token: Token, digest: str, now: str) -> None:
        """Raises: ``UsageError`` where there is one of that name."""
        try:
            with self._transaction() as write:
                write.execute(
                    "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?)",
                    (digest, token.name, token.tenant, token.source, token.role, now),
                )
        except sqlite3.IntegrityError:
            raise UsageError(f"there is a token {token.name} already") from None

    def drop_token(self, tenant: str, name: str) -> bool:
        with self._transaction() as write:
            return (
                write.execute("DELETE FROM token WHERE tenant = ? AND name = ?", (tenant, name)).rowcount > 0
            )

    def token(self, digest: str) -> Token | None:
        row = self.reader.execute(
            "SELECT name, tenant, source, role FROM token WHERE digest = ?", (digest,)
        ).fetchone()
        return Token(*row) if row else None

    def source(self, tenant: str, name: str) -> Source | None:
        rows = self.reader.execute(f"{_SOURCES} WHERE tenant = ? AND name = ?", (tenant, name))
        return next((Source(*row) for row in rows), None)

    def sources(self, tenant: str | None = None) -> list[Source]:
        where, given = ("", ()) if tenant is None else (" WHERE tenant = ?", (tenant,))
        return [Source(*row) for row in self.reader.execute(f"{_SOURCES}{where} ORDER BY name", given)]

    # What messages do.

    def done(self, source: int, key: str) -> Done | None:
        row = self.reader.execute(
            "SELECT entry, sent, opened, gone FROM message WHERE source = ? AND key = ?", (source, key)
        ).fetchone()
        return Done(*row) if row else None

    def open_findings(self, source: int) -> dict[tuple[str, int], Known]:
        rows = self.reader.execute(
            "SELECT fingerprint, ordinal, control, severity, grp, kind, namespace, file, accepted FROM finding"
            " WHERE source = ? AND gone IS NULL",
            (source,),
        )
        return {(row[0].hex(), row[1]): Known(row[2], SEVERITIES[row[3]], *row[4:]) for row in rows}

    def open_count(self, source: int) -> int:
        row = self.reader.execute(
            "SELECT sum(open + accepted) FROM tally WHERE source = ?", (source,)
        ).fetchone()
        return row[0] or 0

    def apply(
        self,
        source: int,
        head: LogHead,
        changes: Changes,
        alerts: Iterable[tuple[str, str]] = (),
        usual: Usual | None = None,
    ) -> Done:
        """One entry of the log of ``source``, in one transaction with its sums.

        ``alerts``: kind and text of new ones; ``usual``: from now on, ``None`` for as before.
        """
        with self._transaction() as write:
            sums = _Sums()
            gone = sum(
                _close(write, source, one.fingerprint, one.ordinal, head.received, sums)
                for one in changes.gone
            )
            opened = sum(_open(write, source, one, head.received, sums) for one in changes.opened)
            sums.write(write, source, head.received[:10])
            measured = changes.measured
            write.execute(
                "UPDATE source SET entries = ?, mode = ?, sequence = ?, previous = ?, received = ?, program = ?, rules = ?,"
                " objects = ?, judged = ?, unread = ?, scope = ? WHERE id = ?",
                (
                    *(head.index + 1, head.kind, changes.sequence, head.sent, head.received),
                    *(measured.program, measured.rules),
                    *(measured.coverage.objects, measured.coverage.judged, measured.coverage.unread),
                    *(measured.scope, source),
                ),
            )
            if usual:
                write.execute(
                    "UPDATE source SET usual_objects = ?, usual_judged = ?, usual_unread = ?, usual_program = ? WHERE id = ?",
                    (usual.objects, usual.judged, usual.unread, usual.program, source),
                )
            write.execute(
                "INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?)",
                (source, head.key, head.sent, head.index, head.received, opened, gone),
            )
            oldest = _before(head.received, _MESSAGES_KEPT_DAYS)
            write.execute("DELETE FROM message WHERE received < ? AND source = ?", (oldest, source))
            for kind, text in alerts:
                _alert(write, source, kind, text, head.received)
        return Done(head.index, head.sent, opened, gone)

    def apply_image(self, source: int, head: LogHead, content: ImageContent) -> Done:
        """One entry that holds an image, in place of what the source said of its digest before."""
        packages = sorted({(one.type, one.name, one.version) for one in content.packages})
        mark = sha256(repr(packages).encode()).hexdigest()[:32]
        found = content.vulnerabilities
        with self._transaction() as write:
            write.execute("DELETE FROM image WHERE source = ? AND digest = ?", (source, content.digest))
            row = write.execute(
                "INSERT INTO image(source, digest, content, name, received, database, unread, packages, critical, high,"
                " exploited) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(
                        source,
                        content.digest,
                        mark,
                        content.name,
                        head.received,
                        content.database,
                        content.unread,
                    ),
                    *(len(packages), sum(one.severity == "critical" for one in found)),
                    *(sum(one.severity == "high" for one in found), sum(one.exploited for one in found)),
                ),
            ).lastrowid
            write.executemany(
                "INSERT INTO package(image, type, name, short, version) VALUES (?, ?, ?, ?, ?)",
                [(row, type, name, name.rpartition("/")[2], version) for type, name, version in packages],
            )
            write.executemany(
                "INSERT INTO vulnerability(image, vulnerability, package, version, severity, fixed, exploited)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (row, one.id, one.package, one.version, one.severity, one.fixed, one.exploited)
                    for one in found
                ],
            )
            write.execute(
                "UPDATE source SET entries = ?, received = ? WHERE id = ?",
                (head.index + 1, head.received, source),
            )
            write.execute(
                "INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?)",
                (source, head.key, head.sent, head.index, head.received, 0, 0),
            )
            others = write.execute(
                "SELECT s.name FROM image i JOIN source s ON s.id = i.source WHERE i.digest = ? AND i.content <> ?"
                " AND s.tenant = (SELECT tenant FROM source WHERE id = ?) ORDER BY s.name LIMIT 1",
                (content.digest, mark, source),
            ).fetchone()
            if others:
                text = f"{content.digest[:19]} holds other packages by the word of {others[0]}"
                _alert(write, source, "disagreement", text, head.received)
        return Done(head.index, head.sent, 0, 0)

    def alert(self, source: int, kind: str, text: str, now: str) -> None:
        """One that lasts already is left as it is."""
        with self._transaction() as write:
            _alert(write, source, kind, text, now)

    def end_alerts(self, source: int, kinds: Sequence[str], now: str) -> None:
        with self._transaction() as write:
            write.executemany(
                "UPDATE alert SET over = ? WHERE source = ? AND kind = ? AND over = ''",
                [(now, source, kind) for kind in kinds],
            )

    def settle(self, source: int, kinds: Sequence[str], now: str) -> None:
        """Ends alerts that a person has looked into: what the source says now is usual from then on.

        Where one says that another scope reports, the next report may have it.
        """
        with self._transaction() as write:
            write.execute(
                "UPDATE source SET scope = '' WHERE id = ? AND EXISTS (SELECT 1 FROM alert WHERE source = ? AND kind = ?"
                " AND over = '')",
                (source, source, OTHER_SCOPE),
            )
            write.execute(
                "UPDATE source SET usual_objects = objects, usual_judged = judged, usual_unread = unread,"
                " usual_program = program WHERE id = ?",
                (source,),
            )
        self.end_alerts(source, kinds, now)

    def forget_view(self, source: int) -> None:
        """Takes all that the log of ``source`` makes anew."""
        with self._transaction() as write:
            for table in VIEW:
                write.execute(f"DELETE FROM {table} WHERE source = ?", (source,))  # noqa: S608 ours
            write.execute(
                "UPDATE source SET entries = 0, mode = '', sequence = 0, previous = '', received = '', program = '',"
                " rules = '', objects = 0, judged = 0, unread = 0, scope = '' WHERE id = ?",
                (source,),
            )

    def view(self, source: int) -> Iterator[tuple[Any, ...]]:
        """Every row that the log of ``source`` makes, in an order of their own."""
        columns = {
            "finding": "fingerprint, ordinal, control, severity, grp, kind, namespace, name, file, path, accepted, first, gone",
            "tally": "severity, open, accepted",
            "day": "day, severity, open, accepted, opened, gone",
            "message": "key, sent, entry, received, opened, gone",
            "image": "digest, content, name, received, database, unread, packages, critical, high, exploited",
        }
        for table, names in columns.items():
            text = f"SELECT {names} FROM {table} WHERE source = ? ORDER BY {names}"  # noqa: S608 ours
            rows = self.reader.execute(text, (source,))
            yield from ((table, *row) for row in rows)


_SOURCES = (
    "SELECT id, tenant, name, kind, created, every, entries, mode, sequence, previous, received, program, rules, objects,"
    " judged, unread, scope, usual_objects, usual_judged, usual_unread, usual_program FROM source"
)


class _Sums:
    """What one message changes, by severity."""

    def __init__(self) -> None:
        self._rows: dict[int, list[int]] = {}

    def add(self, severity: int, *, is_accepted: bool, by: int, is_new: bool) -> None:
        """``is_new``: the finding came or went; else it is only counted elsewhere."""
        row = self._rows.setdefault(severity, [0, 0, 0, 0])
        row[1 if is_accepted else 0] += by
        if is_new:
            row[2 if by > 0 else 3] += 1

    def write(self, write: sqlite3.Connection, source: int, day: str) -> None:
        """A day without a change has a row as well: it was looked at."""
        for severity in range(len(SEVERITIES)):
            opened, accepted, came, went = self._rows.get(severity, (0, 0, 0, 0))
            write.execute(
                "INSERT INTO tally VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET open = open + excluded.open,"
                " accepted = accepted + excluded.accepted",
                (source, severity, opened, accepted),
            )
            write.execute(
                "INSERT INTO day SELECT source, ?, severity, open, accepted, ?, ? FROM tally WHERE source = ? AND severity = ?"
                " ON CONFLICT DO UPDATE SET open = excluded.open, accepted = excluded.accepted,"
                " opened = opened + excluded.opened, gone = gone + excluded.gone",
                (day, came, went, source, severity),
            )


def _open(write: sqlite3.Connection, source: int, one: FoundFinding, now: str, sums: _Sums) -> int:
    """1 where it is new, 0 where it was open and is only another now."""
    mark, severity = bytes.fromhex(one.fingerprint), SEVERITIES.index(one.severity)
    row = write.execute(
        "SELECT id, severity, accepted FROM finding WHERE source = ? AND fingerprint = ? AND ordinal = ? AND gone IS NULL",
        (source, mark, one.ordinal),
    ).fetchone()
    sums.add(severity, is_accepted=bool(one.accepted), by=1, is_new=row is None)
    if row is not None:
        sums.add(row[1], is_accepted=bool(row[2]), by=-1, is_new=False)
        write.execute(
            "UPDATE finding SET severity = ?, accepted = ?, file = ?, path = ? WHERE id = ?",
            (severity, one.accepted, one.file, one.path, row[0]),
        )
        return 0
    write.execute(
        "INSERT INTO finding(source, fingerprint, ordinal, control, severity, grp, kind, namespace, name, file, path,"
        " accepted, first) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(source, mark, one.ordinal, one.control, severity, one.group, one.kind, one.namespace, one.name),
            *(one.file, one.path, one.accepted, now),
        ),
    )
    return 1


def _close(
    write: sqlite3.Connection, source: int, fingerprint: str, ordinal: int, now: str, sums: _Sums
) -> int:
    row = write.execute(
        "UPDATE finding SET gone = ? WHERE source = ? AND fingerprint = ? AND ordinal = ? AND gone IS NULL"
        " RETURNING severity, accepted",
        (now, source, bytes.fromhex(fingerprint), ordinal),
    ).fetchone()
    if row is None:
        return 0
    sums.add(row[0], is_accepted=bool(row[1]), by=-1, is_new=True)
    return 1


def _alert(write: sqlite3.Connection, source: int, kind: str, text: str, now: str) -> None:
    known = write.execute(
        "SELECT 1 FROM alert WHERE source = ? AND kind = ? AND over = '' LIMIT 1", (source, kind)
    ).fetchone()
    if known is None:
        write.execute(
            "INSERT INTO alert(source, kind, since, text) VALUES (?, ?, ?, ?)", (source, kind, now, text)
        )
        write.execute(
            "DELETE FROM alert WHERE source = ? AND id NOT IN (SELECT id FROM alert WHERE source = ? ORDER BY id DESC LIMIT ?)",
            (source, source, _ALERTS_OF_A_SOURCE),
        )


def _before(now: str, days: int) -> str:
    moment = datetime.strptime(now, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return (moment - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
