"""What readers ask, answered from the tables; a reader sees the sources of one tenant."""

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from leadline.api.provider.wire import (
    NAMES_NO_UNREAD,
    AlertRow,
    Alerts,
    DayRow,
    Entity,
    FindingRow,
    Findings,
    History,
    ImageRow,
    Images,
    NamespaceDay,
    NamespaceHistory,
    PackageRow,
    Packages,
    RiskRow,
    Risks,
    SourceRow,
    Sources,
)
from leadline.programs.provider.database import Row, finding_of_mark
from leadline.programs.provider.ingest import Refused
from leadline.programs.provider.schema import seconds, seconds_of, stamp_of
from leadline.programs.provider.source_row import SEVERITIES, Source
from leadline.programs.provider.tables import Tables
from leadline.programs.provider.watchman import is_silent

T = TypeVar("T")
MOST_ROWS = 1_000
_WORST = 5
_MOST_DAYS = 50_000
"""Rows of one answer."""
_LONGEST_HISTORY_DAYS = 1_100
_COLUMNS = (
    "f.source, f.head, f.tail, s.name, d.control, f.severity, o.grp, o.kind, o.namespace, o.name, o.file, d.path,"
    " d.accepted, f.first"
)
_TEXTS = (
    "JOIN source s ON s.id = f.source JOIN object o ON o.source = f.source AND o.id = f.object"
    " JOIN detail d ON d.source = f.source AND d.id = f.detail"
)
_OPEN = f"SELECT {_COLUMNS}, NULL, f.object FROM finding f {_TEXTS} WHERE f.tenant = ?"
_GONE = f"SELECT {_COLUMNS}, f.gone, f.entry FROM gone f {_TEXTS} WHERE f.tenant = ?"
_OBJECT = "o.tenant = ? AND o.kind = ? AND o.namespace = ? AND o.name = ?"
_CAME_AND_WENT = tuple(
    f"SELECT f.{moment} / 86400, f.severity, {counts} FROM {table} f JOIN object o ON o.source = f.source AND o.id = f.object"
    " WHERE f.tenant = ? AND f.source = ?"
    for table, moment, counts in (
        ("finding", "first", "count(*), 0"),
        ("gone", "first", "count(*), 0"),
        ("gone", "gone", "0, count(*)"),
    )
)
_DISPUTED = "EXISTS (SELECT 1 FROM image x WHERE x.digest = i.digest AND x.content <> i.content AND x.tenant = i.tenant)"


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
    digest: str = ""


class WhichImages(Struct, frozen=True):
    source: str
    vulnerability: str


class WhichRisks(Struct, frozen=True):
    source: str = ""
    namespace: str = ""
    kind: str = ""
    name: str = ""


class Questions:
    def __init__(self, tables: Tables, now: Callable[[], datetime]) -> None:
        self._tables = tables
        self._now = now

    def sources(self, tenant: str) -> Sources:
        rows = self._tables.read(
            tenant, "SELECT source, severity, open, accepted FROM tally WHERE tenant = ?"
        )
        sums: dict[int, dict[str, tuple[int, int]]] = {}
        for number, severity, is_open, accepted in rows:
            sums.setdefault(number, {})[SEVERITIES[severity]] = (is_open, accepted)
        return Sources(tuple(self._source(one, sums.get(one.id, {})) for one in self._tables.sources(tenant)))

    def _source(self, source: Source, found: Mapping[str, tuple[int, int]]) -> SourceRow:
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
            is_unread_known=source.program != NAMES_NO_UNREAD,
        )

    def findings(self, tenant: str, asked: Asked, cursor: str, most: int) -> Findings:
        """By source; those that are gone in the order in which they went. Raises: ``Refused`` for a cursor of another question."""
        is_gone = asked.state == "gone"
        columns: dict[str, str | int] = {
            "d.control": asked.control,
            "o.namespace": asked.namespace,
            "o.kind": asked.kind,
            "o.name": asked.name,
        }
        if asked.source:
            found = self._tables.source(tenant, asked.source)
            columns = {"f.source": found.id if found else -1, **columns}
        where, given = _equal(columns)
        if asked.severity:
            where.append("f.severity = ?")
            given.append(SEVERITIES.index(asked.severity))
        if not is_gone:
            where.append("d.accepted <> ''" if asked.state == "accepted" else "d.accepted = ''")
        if asked.since:
            where.append("f.gone >= ?" if is_gone else "f.first >= ?")
            given.append(_since(asked.since))
        # As an index has them: by object, so that a page of one namespace reads no other's findings.
        order = ("f.source", "f.entry" if is_gone else "f.object", "f.head", "f.tail")
        after = _position(cursor, tenant, asked, tuple[int, int, int, bytes])
        if after:
            where.append(f"({', '.join(order)}) > ({', '.join('?' * len(order))}) AND d.source >= ?")
            given += (*after, after[0])
            # Said of what is joined as well, which is read first where it is what was asked for.
            where.append("o.source >= ?" if is_gone else "(o.source, o.id) >= (?, ?)")
            given += after[:1] if is_gone else after[:2]
        text = " AND ".join((_GONE if is_gone else _OPEN, *where))
        rows = self._tables.read(tenant, f"{text} ORDER BY {', '.join(order)} LIMIT ?", *given, most + 1)
        items = tuple(_finding(row) for row in rows[:most])
        if len(rows) <= most:
            return Findings(items)
        last = rows[most - 1]
        return Findings(items, _cursor((last[0], last[-1], last[1], last[2]), tenant, asked))

    def risks(self, tenant: str, asked: WhichRisks, cursor: str, most: int) -> Risks:
        """The gravest first. Raises: ``Refused`` for a cursor of another question."""
        after = _position(cursor, tenant, asked, tuple[float, int, bytes])
        where, given = _equal(
            {
                "s.name": asked.source,
                "r.namespace": asked.namespace,
                "r.kind": asked.kind,
                "r.name": asked.name,
            }
        )
        where.insert(0, "r.tenant = ?")
        if after:
            where.append("r.score <= ? AND (r.score < ? OR (r.source, r.mark) > (?, ?))")
            given += (after[0], *after)
        rows = self._tables.read(
            tenant,
            "SELECT r.score, r.source, r.mark, s.name, r.grp, r.kind, r.namespace, r.name, r.sentence, s.received FROM ranked r"
            f" JOIN source s ON s.id = r.source WHERE {' AND '.join(where)} ORDER BY r.score DESC, r.source, r.mark LIMIT ?",
            *(*given, most + 1),
        )
        items = tuple(RiskRow(row[3], row[0], *row[4:]) for row in rows[:most])
        return Risks(items, _cursor(tuple(rows[most - 1][:3]), tenant, asked) if len(rows) > most else "")

    def packages(self, tenant: str, asked: WhichPackages, cursor: str, most: int) -> Packages:
        """Raises: ``Refused`` for a cursor of another question."""
        if not (asked.name or asked.digest):
            raise Refused(400, "Name a package, or an image by its digest")
        (after,) = _position(cursor, tenant, asked, tuple[int]) or (0,)
        # An index for each of the two.
        which = "p.short = ? AND (? = p.short OR ? = p.name)" if asked.name else "'' IN (?, ?, ?)"
        image = " AND i.digest = ?" if asked.digest else " AND '' = ?"
        rows = self._tables.read(
            tenant,
            f"SELECT p.id, s.name, i.digest, i.name, p.type, p.name, p.version, i.received, {_DISPUTED} FROM package p"
            " JOIN image i ON i.id = p.image JOIN source s ON s.id = i.source WHERE p.tenant = ? AND p.id > ?"
            f" AND {which}{image} AND substr(p.version, 1, ?) = ? AND (? = '' OR s.name = ?)"
            " ORDER BY p.id LIMIT ?",
            *(after, asked.name.rpartition("/")[2], asked.name, asked.name, asked.digest),
            *(len(asked.version), asked.version, asked.source, asked.source, most + 1),
        )
        items = tuple(PackageRow(*(*row[1:8], bool(row[8]))) for row in rows[:most])
        return Packages(items, _cursor((rows[most - 1][0],), tenant, asked) if len(rows) > most else "")

    def images(self, tenant: str, asked: WhichImages, cursor: str, most: int) -> Images:
        """Raises: ``Refused`` for a cursor of another question."""
        (after,) = _position(cursor, tenant, asked, tuple[int]) or (0,)
        rows = self._tables.read(
            tenant,
            f"SELECT i.id, s.name, i.digest, i.name, i.received, i.packages, i.critical, i.high, i.exploited, i.database,"
            f" i.unread, {_DISPUTED} FROM image i JOIN source s ON s.id = i.source WHERE i.tenant = ? AND i.id > ?"
            " AND (? = '' OR s.name = ?) AND (? = '' OR i.id IN (SELECT image FROM vulnerability WHERE vulnerability = ?))"
            " ORDER BY i.id LIMIT ?",
            *(after, asked.source, asked.source, asked.vulnerability, asked.vulnerability, most + 1),
        )
        items = tuple(ImageRow(*(*row[1:11], bool(row[11]))) for row in rows[:most])
        return Images(items, _cursor((rows[most - 1][0],), tenant, asked) if len(rows) > most else "")

    def history(self, tenant: str, source: str, days: int) -> History:
        """Raises: ``Refused`` where the answer would be too long."""
        since = (self._now() - timedelta(days=min(days, _LONGEST_HISTORY_DAYS))).strftime("%Y-%m-%d")
        text = (
            "SELECT s.name, d.day, d.severity, d.open, d.accepted, d.opened, d.gone FROM day d JOIN source s ON s.id = d.source"
            " WHERE d.tenant = ? AND d.day >= ? AND (? = '' OR s.name = ?) ORDER BY s.name, d.day, d.severity LIMIT ?"
        )
        rows = self._tables.read(tenant, text, since, source, source, _MOST_DAYS + 1)
        if len(rows) > _MOST_DAYS:
            raise Refused(400, "Too many days of too many sources", "ask for one source, or for fewer days")
        return History(tuple(DayRow(row[0], row[1], SEVERITIES[row[2]], *row[3:]) for row in rows))

    def namespace_history(
        self, tenant: str, namespaces: Sequence[str], source: str, days: int
    ) -> NamespaceHistory:
        """Summed as findings came and went; for one source from its findings themselves."""
        names = ",".join("?" * len(namespaces))
        if source:
            found = self._tables.source(tenant, source)
            given = [found.id if found else -1, *namespaces]
            parts = [f"{part} AND o.namespace IN ({names}) GROUP BY 1, 2" for part in _CAME_AND_WENT]
        else:
            given = [*namespaces]
            parts = [
                f"SELECT day, severity, sum(opened), sum(gone) FROM place_day WHERE tenant = ? AND namespace IN ({names})"
                " GROUP BY 1, 2"
            ]
        came: dict[int, Counter[int]] = {}
        went: dict[int, Counter[int]] = {}
        for day, severity, opened, gone in (
            row for part in parts for row in self._tables.read(tenant, part, *given)
        ):
            came.setdefault(day, Counter())[severity] += opened
            went.setdefault(day, Counter())[severity] += gone
        is_open: Counter[int] = Counter()
        items: list[NamespaceDay] = []
        for day in sorted(came.keys() | went.keys()):
            opened, gone = came[day], went[day]
            if not (opened.total() or gone.total()):
                continue
            is_open.update(opened)
            is_open.subtract(gone)
            items.append(
                NamespaceDay(
                    stamp_of(day * 86_400)[:10],
                    is_open.total(),
                    is_open[SEVERITIES.index("critical")],
                    is_open[SEVERITIES.index("high")],
                    opened.total(),
                    gone.total(),
                )
            )
        since = (self._now() - timedelta(days=min(days, _LONGEST_HISTORY_DAYS))).strftime("%Y-%m-%d")
        earlier = sum(one.day < since for one in items)
        # The last day before says where it begins.
        return NamespaceHistory(tuple(items[max(0, earlier - 1) :]))

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
        rows = self._tables.read(
            tenant,
            "SELECT s.name, a.kind, a.since, a.text, a.over FROM alert a JOIN source s ON s.id = a.source"
            " WHERE a.tenant = ? AND a.over = '' ORDER BY a.since DESC, a.id DESC LIMIT ?",
            MOST_ROWS,
        )
        return Alerts((*silent, *(AlertRow(*row) for row in rows)))

    def entity(self, tenant: str, kind: str, namespace: str, name: str) -> Entity:
        """Raises: ``Refused`` where no source has named it."""
        place = (kind, namespace, name)
        day_before = seconds(self._now() - timedelta(days=1))
        # Counted there: one source with many findings must not hide those of another.
        rows = self._tables.read(
            tenant,
            "WITH its AS (SELECT s.name AS source, f.severity, d.accepted <> '' AS is_accepted, f.first FROM object o"
            " JOIN finding f ON f.tenant = o.tenant AND f.source = o.source AND f.object = o.id JOIN source s ON s.id = f.source"
            f" JOIN detail d ON d.source = f.source AND d.id = f.detail WHERE {_OBJECT})"
            " SELECT source, severity, is_accepted, count(*), count(CASE WHEN first >= ? THEN 1 END) FROM its GROUP BY 1, 2, 3",
            *(*place, day_before),
        )
        names = {row[0] for row in rows} or {
            row[0]
            for row in self._tables.read(
                tenant,
                "SELECT DISTINCT s.name FROM object o JOIN gone f ON f.source = o.source AND f.object = o.id"
                f" JOIN source s ON s.id = f.source WHERE {_OBJECT} LIMIT 100",
                *place,
            )
        }
        if not names:
            raise Refused(404, "No source has a finding about it", "its name may be another, or it has none")
        worst = self._tables.read(
            tenant,
            f"{_OPEN} AND d.accepted = '' AND {_OBJECT} ORDER BY f.severity, f.first DESC, f.head, f.tail LIMIT ?",
            *(self._tables.tenant(tenant), *place, _WORST),
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


def _since(text: str) -> int:
    """Within what a column of seconds holds. Raises: ``Refused``."""
    try:
        return max(-(2**31), min(seconds_of(text), 2**31 - 1))
    except ValueError as error:
        raise Refused(400, "since is not a time", "use 2027-01-31T10:00:00Z") from error


def _equal(columns: Mapping[str, str | int]) -> tuple[list[str], list[Any]]:
    """Conditions, and what they are given, for those columns that were asked for."""
    asked = {column: value for column, value in columns.items() if value != ""}
    return [f"{column} = ?" for column in asked], list(asked.values())


def _finding(row: Row) -> FindingRow:
    first, gone = stamp_of(row[13]), "" if row[14] is None else stamp_of(row[14])
    mark = finding_of_mark(row[1], row[2])
    return FindingRow(*(row[3], *mark, row[4], SEVERITIES[row[5]], *row[6:13], first, gone))


def _bound(tenant: str, asked: Struct) -> bytes:
    kind = type(asked).__name__.encode()
    return sha256(b"\0".join((tenant.encode(), kind, msgspec.json.encode(asked)))).digest()[:8]


def _cursor(last: tuple[Any, ...], tenant: str, asked: Struct) -> str:
    packed = msgspec.msgpack.encode(last)
    return base64.urlsafe_b64encode(packed + _bound(tenant, asked)).decode().rstrip("=")


def _position(cursor: str, tenant: str, asked: Struct, kind: type[T]) -> T | None:
    """``None`` for the beginning. Raises: ``Refused``."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        if raw[-8:] == _bound(tenant, asked):
            return msgspec.msgpack.decode(raw[:-8], type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        pass
    raise Refused(400, "This cursor belongs to another question", "ask without a cursor to start over")
