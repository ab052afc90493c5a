"""What readers ask, answered from the tables; a reader sees the sources of one tenant."""

import base64
import binascii
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from leadline.api.provider.wire import (
    AlertRow,
    Alerts,
    DayRow,
    Entity,
    FindingRow,
    Findings,
    History,
    ImageRow,
    Images,
    PackageRow,
    Packages,
    SourceRow,
    Sources,
)
from leadline.programs.provider.ingest import Refused
from leadline.programs.provider.tables import SEVERITIES, Source, Tables
from leadline.programs.provider.watchman import is_silent

MOST_ROWS = 1_000
_WORST = 5
_MOST_DAYS = 50_000
"""Rows of one answer."""
_LONGEST_HISTORY_DAYS = 1_100
_FINDINGS = (
    "SELECT f.id, s.name, f.fingerprint, f.ordinal, f.control, f.severity, f.grp, f.kind, f.namespace, f.name, f.file, f.path,"
    " f.accepted, f.first, coalesce(f.gone, '') FROM finding f JOIN source s ON s.id = f.source"
)


_OBJECT = "s.tenant = ? AND f.kind = ? AND f.namespace = ? AND f.name = ?"
_DISPUTED = (
    "EXISTS (SELECT 1 FROM image o JOIN source t ON t.id = o.source WHERE o.digest = i.digest AND o.content <> i.content"
    " AND t.tenant = s.tenant)"
)


class Asked(Struct, frozen=True):
    """Which findings; an empty text asks for all."""

    source: str = ""
    control: str = ""
    severity: str = ""
    namespace: str = ""
    kind: str = ""
    name: str = ""
    state: str = "open"
    """``open``, ``accepted`` or ``gone``."""
    since: str = ""
    """First received, or gone, at that time or later."""


class WhichPackages(Struct, frozen=True):
    name: str
    version: str
    """Its beginning."""
    source: str


class WhichImages(Struct, frozen=True):
    source: str
    vulnerability: str


class Questions:
    def __init__(self, tables: Tables, now: Callable[[], datetime]) -> None:
        self._tables = tables
        self._now = now

    def sources(self, tenant: str) -> Sources:
        return Sources(tuple(self._source(one) for one in self._tables.sources(tenant)))

    def _source(self, source: Source) -> SourceRow:
        rows = self._read("SELECT severity, open, accepted FROM tally WHERE source = ?", source.id)
        found = {SEVERITIES[row[0]]: (row[1], row[2]) for row in rows}
        return SourceRow(
            name=source.name,
            kind=source.kind,
            created=source.created,
            last_received=source.received,
            every_seconds=source.every,
            is_silent=is_silent(source, self._now()),
            open=sum(row[0] for row in found.values()),
            critical=found.get("critical", (0, 0))[0],
            high=found.get("high", (0, 0))[0],
            accepted=sum(row[1] for row in found.values()),
            objects=source.objects,
            unread=source.unread,
            program=source.program,
        )

    def findings(self, tenant: str, asked: Asked, cursor: str, most: int) -> Findings:
        """In the order in which they came. Raises: ``Refused`` for a cursor of another question."""
        after = _position(cursor, tenant, asked)
        where, given = ["s.tenant = ?", "f.id > ?"], [tenant, after]
        columns = {
            "s.name": asked.source,
            "f.control": asked.control,
            "f.namespace": asked.namespace,
            "f.kind": asked.kind,
            "f.name": asked.name,
        }
        for column, value in columns.items():
            if value:
                where.append(f"{column} = ?")
                given.append(value)
        if asked.severity:
            where.append("f.severity = ?")
            given.append(SEVERITIES.index(asked.severity))
        where.append("f.gone IS NOT NULL" if asked.state == "gone" else "f.gone IS NULL")
        if asked.state != "gone":
            where.append("f.accepted <> ''" if asked.state == "accepted" else "f.accepted = ''")
        if asked.since:
            where.append(f"{'f.gone' if asked.state == 'gone' else 'f.first'} >= ?")
            given.append(asked.since)
        rows = self._read(f"{_FINDINGS} WHERE {' AND '.join(where)} ORDER BY f.id LIMIT ?", *given, most + 1)
        items = tuple(_finding(row) for row in rows[:most])
        return Findings(items, _cursor(rows[most - 1][0], tenant, asked) if len(rows) > most else "")

    def packages(self, tenant: str, asked: WhichPackages, cursor: str, most: int) -> Packages:
        """Raises: ``Refused`` for a cursor of another question."""
        rows = self._read(
            f"SELECT p.id, s.name, i.digest, i.name, p.type, p.name, p.version, i.received, {_DISPUTED} FROM package p"  # noqa: S608 ours
            " JOIN image i ON i.id = p.image JOIN source s ON s.id = i.source WHERE s.tenant = ? AND p.id > ?"
            " AND p.short = ? AND (? = p.short OR ? = p.name) AND p.version LIKE ? ESCAPE '!' AND (? = '' OR s.name = ?)"
            " ORDER BY p.id LIMIT ?",
            *(
                tenant,
                _position(cursor, tenant, asked),
                asked.name.rpartition("/")[2],
                asked.name,
                asked.name,
            ),
            *(f"{_literal(asked.version)}%", asked.source, asked.source, most + 1),
        )
        items = tuple(PackageRow(*(*row[1:8], bool(row[8]))) for row in rows[:most])
        return Packages(items, _cursor(rows[most - 1][0], tenant, asked) if len(rows) > most else "")

    def images(self, tenant: str, asked: WhichImages, cursor: str, most: int) -> Images:
        """Raises: ``Refused`` for a cursor of another question."""
        rows = self._read(
            f"SELECT i.id, s.name, i.digest, i.name, i.received, i.packages, i.critical, i.high, i.exploited, i.database,"  # noqa: S608 ours
            f" i.unread, {_DISPUTED} FROM image i JOIN source s ON s.id = i.source WHERE s.tenant = ? AND i.id > ?"
            " AND (? = '' OR s.name = ?) AND (? = '' OR i.id IN (SELECT image FROM vulnerability WHERE vulnerability = ?))"
            " ORDER BY i.id LIMIT ?",
            *(tenant, _position(cursor, tenant, asked), asked.source, asked.source),
            *(asked.vulnerability, asked.vulnerability, most + 1),
        )
        items = tuple(ImageRow(*(*row[1:11], bool(row[11]))) for row in rows[:most])
        return Images(items, _cursor(rows[most - 1][0], tenant, asked) if len(rows) > most else "")

    def history(self, tenant: str, source: str, days: int) -> History:
        """Raises: ``Refused`` where the answer would be too long."""
        since = (self._now() - timedelta(days=min(days, _LONGEST_HISTORY_DAYS))).strftime("%Y-%m-%d")
        text = (
            "SELECT s.name, d.day, d.severity, d.open, d.accepted, d.opened, d.gone FROM day d JOIN source s ON s.id = d.source"
            " WHERE s.tenant = ? AND d.day >= ? AND (? = '' OR s.name = ?) ORDER BY s.name, d.day, d.severity LIMIT ?"
        )
        rows = self._read(text, tenant, since, source, source, _MOST_DAYS + 1)
        if len(rows) > _MOST_DAYS:
            raise Refused(400, "Too many days of too many sources", "ask for one source, or for fewer days")
        return History(tuple(DayRow(row[0], row[1], SEVERITIES[row[2]], *row[3:]) for row in rows))

    def alerts(self, tenant: str) -> Alerts:
        """Those that last, the newest first; silence is judged at the moment of the question."""
        now = self._now()
        silent = tuple(
            AlertRow(
                one.name,
                "silence",
                one.received or one.created,
                f"nothing was received since {one.received or one.created}; every {one.every:,} s something is due",
                "",
            )
            for one in self._tables.sources(tenant)
            if is_silent(one, now)
        )
        rows = self._read(
            "SELECT s.name, a.kind, a.since, a.text, a.over FROM alert a JOIN source s ON s.id = a.source"
            " WHERE s.tenant = ? AND a.over = '' ORDER BY a.since DESC, a.id DESC LIMIT ?",
            tenant,
            MOST_ROWS,
        )
        return Alerts((*silent, *(AlertRow(*row) for row in rows)))

    def entity(self, tenant: str, kind: str, namespace: str, name: str) -> Entity:
        """Raises: ``Refused`` where no source has named it."""
        place = (tenant, kind, namespace, name)
        day_before = (self._now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        # Counted there: one source with many findings must not hide those of another.
        rows = self._read(
            "SELECT s.name, f.severity, f.accepted <> '', count(*), sum(f.first >= ?) FROM finding f"  # noqa: S608 ours
            f" JOIN source s ON s.id = f.source WHERE f.gone IS NULL AND {_OBJECT} GROUP BY 1, 2, 3",
            *(day_before, *place),
        )
        names = {row[0] for row in rows} or {
            row[0]
            for row in self._read(
                "SELECT DISTINCT s.name FROM finding f JOIN source s ON s.id = f.source WHERE f.gone IS NOT NULL"  # noqa: S608 ours
                f" AND {_OBJECT} LIMIT 100",
                *place,
            )
        }
        if not names:
            raise Refused(404, "No source has a finding about it", "its name may be another, or it has none")
        worst = self._read(
            f"{_FINDINGS} WHERE f.gone IS NULL AND f.accepted = '' AND {_OBJECT} ORDER BY f.severity, f.first DESC LIMIT ?",
            *(*place, _WORST),
        )
        known = {one.name: one for one in self._tables.sources(tenant)}
        live = [row for row in rows if not row[2]]
        counts = {word: sum(row[3] for row in live if SEVERITIES[row[1]] == word) for word in SEVERITIES}
        return Entity(
            kind=kind,
            namespace=namespace,
            name=name,
            as_of=min(known[one].received for one in names),
            is_silent=any(is_silent(known[one], self._now()) for one in names),
            critical=counts["critical"],
            high=counts["high"],
            medium=counts["medium"],
            low=counts["low"],
            unknown=counts["unknown"],
            accepted=sum(row[3] for row in rows if row[2]),
            new_since_yesterday=sum(row[4] for row in live),
            worst=tuple(_finding(row) for row in worst),
            sources=tuple(sorted(names)),
        )

    def _read(self, text: str, *given: Any) -> list[sqlite3.Row]:
        return self._tables.reader.execute(text, given).fetchall()


def _literal(text: str) -> str:
    """As a part of a pattern of LIKE."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _finding(row: sqlite3.Row) -> FindingRow:
    return FindingRow(row[1], row[2].hex(), row[3], row[4], SEVERITIES[row[5]], *row[6:])


def _bound(tenant: str, asked: Struct) -> bytes:
    kind = type(asked).__name__.encode()
    return sha256(b"\0".join((tenant.encode(), kind, msgspec.json.encode(asked)))).digest()[:8]


def _cursor(last: int, tenant: str, asked: Struct) -> str:
    return base64.urlsafe_b64encode(last.to_bytes(8) + _bound(tenant, asked)).decode().rstrip("=")


def _position(cursor: str, tenant: str, asked: Struct) -> int:
    """Raises: ``Refused``."""
    if not cursor:
        return 0
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 16 or raw[8:] != _bound(tenant, asked) or raw[0] > 127:
        raise Refused(400, "This cursor belongs to another question", "ask without a cursor to begin anew")
    return int.from_bytes(raw[:8])
