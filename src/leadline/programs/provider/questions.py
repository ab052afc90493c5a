"""What readers ask, answered from the tables; a reader sees the sources of one tenant."""

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

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
    Severity,
    Short,
    SourceRow,
    Sources,
    Time,
)
from leadline.programs.provider.database import Row, finding_of_mark, searched_name
from leadline.programs.provider.ingest import Refused
from leadline.programs.provider.schema import CAME_AND_WENT, seconds, seconds_of, stamp_of
from leadline.programs.provider.source_row import SEVERITIES, Source
from leadline.programs.provider.tables import MESSAGES_KEPT_DAYS, Tables
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
_FIRST_READ = {
    "source": "source s CROSS JOIN {findings} f CROSS JOIN object o CROSS JOIN detail d WHERE f.tenant = ? AND +s.tenant = f.tenant",
    "object": "object o CROSS JOIN {findings} f CROSS JOIN detail d CROSS JOIN source s WHERE o.tenant = ? AND f.tenant = o.tenant",
    "detail": "detail d CROSS JOIN {findings} f CROSS JOIN object o CROSS JOIN source s WHERE d.tenant = ? AND f.tenant = d.tenant",
}
"""Both engines join in this order, each table by an index. ``+``: SQLite is to read sources by their numbers, as pages are sorted."""
_JOINED = " AND o.source = f.source AND o.id = f.object AND d.source = f.source AND d.id = f.detail"
_OF_ITS_SOURCE = "s.id = f.source"
_OBJECT = "o.tenant = ? AND o.kind = ? AND o.namespace = ? AND o.name = ?"
_BY_SEVERITY = ", ".join(
    f"count(CASE WHEN severity = {number} AND NOT is_accepted THEN 1 END)"
    for number in range(len(SEVERITIES))
)
_DISPUTED = "EXISTS (SELECT 1 FROM image x WHERE x.digest = i.digest AND x.content <> i.content AND x.tenant = i.tenant)"


class _Page(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    cursor: Short = ""
    """Of the page before."""
    limit: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = 100


class Asked(_Page, frozen=True):
    """Which findings; an empty text asks for all."""

    source: Short = ""
    control: Short = ""
    severity: Severity | Literal[""] = ""
    namespace: Short = ""
    kind: Short = ""
    name: Short = ""
    state: Literal["open", "accepted", "gone"] = "open"
    since: Time | Literal[""] = ""
    """First received, or gone, at that time or later."""


class WhichPackages(_Page, frozen=True):
    name: Short = ""
    """Whole, or its last part: ``log4j-core``; where it is empty ``digest`` names an image."""
    digest: Short = ""
    """Of the image that is asked about."""
    version: Short = ""
    """Its beginning: ``2.14``."""
    source: Short = ""


class WhichImages(_Page, frozen=True):
    source: Short = ""
    vulnerability: Short = ""
    """Those that have it, by its id."""


class WhichRisks(_Page, frozen=True):
    source: Short = ""
    namespace: Short = ""
    kind: Short = ""
    name: Short = ""


class Questions:
    def __init__(self, tables: Tables, now: Callable[[], datetime]) -> None:
        self._tables = tables
        self._now = now

    def sources(self, tenant: str) -> Sources:
        by_severity = ", ".join(
            f"sum(CASE WHEN severity = {SEVERITIES.index(one)} THEN open ELSE 0 END)"
            for one in ("critical", "high")
        )
        rows = self._tables.read(
            tenant,
            f"SELECT source, sum(open), {by_severity}, sum(accepted) FROM tally WHERE tenant = ? GROUP BY source",
        )
        sums = {row[0]: row[1:] for row in rows}
        nothing = (0, 0, 0, 0)
        return Sources(
            tuple(self._source(one, *sums.get(one.id, nothing)) for one in self._tables.sources(tenant))
        )

    def _source(self, source: Source, is_open: int, critical: int, high: int, accepted: int) -> SourceRow:
        return SourceRow(
            name=source.name,
            kind=source.kind,
            created=source.created,
            last_received=source.received,
            every_seconds=source.every,
            is_silent=is_silent(source, self._now()),
            open=is_open,
            critical=critical,
            high=high,
            accepted=accepted,
            objects=source.objects,
            unread=source.unread,
            program=source.program,
            is_unread_known=source.program != NAMES_NO_UNREAD,
        )

    def findings(self, tenant: str, asked: Asked, cursor: str, most: int) -> Findings:
        """By source; those that are gone in the order in which they went. Raises: ``Refused`` for a cursor of another question."""
        is_gone = asked.state == "gone"
        first = _first_read(asked)
        number = {"source": "s.id", "object": "o.source", "detail": "d.source"}[first]
        if first == "source" and asked.source:
            number = "f.source"
        columns = {
            "d.control": self._as_written(tenant, asked.control),
            "o.namespace": asked.namespace,
            "o.kind": asked.kind,
            "o.name": asked.name,
        }
        where, given = _equal(columns)
        if asked.source:
            found = self._tables.source(tenant, asked.source)
            # A range, and no join with the source: an equal number would be put into every table, and PostgreSQL, where it knows
            # nothing of a source yet, would read all of its objects for each finding.
            where += ["s.id = ?", f"{number} BETWEEN ? AND ?"]
            given += [found.id if found else -1] * 3
        else:
            where.append(_OF_ITS_SOURCE)
        if asked.severity:
            where.append("f.severity = ?")
            given.append(SEVERITIES.index(asked.severity))
            if not is_gone:
                # Sources without one are passed over.
                where.append(
                    "(SELECT open + accepted FROM tally t WHERE t.source = s.id AND t.severity = ?) > 0"
                )
                given.append(given[-1])
        if not is_gone:
            where.append("d.accepted <> ''" if asked.state == "accepted" else "d.accepted = ''")
        if asked.since:
            where.append("f.gone >= ?" if is_gone else "f.first >= ?")
            given.append(since := _since(asked.since))
            if first == "detail":
                # Said as an index has it.
                where.append("f.first / 604800 >= ? / 604800")
                given.append(since)
            if is_gone and since > seconds(self._now() - timedelta(days=MESSAGES_KEPT_DAYS)):
                where.append(
                    "f.entry >= (SELECT min(entry) FROM message m WHERE m.source = s.id AND m.received >= ?)"
                )
                given.append(stamp_of(since))
        # As an index has them: by object, so that a page of one namespace reads no other's findings.
        place = "f.entry" if is_gone else "o.id" if first == "object" else "f.object"
        order = (number, place, "f.head", "f.tail")
        after = _position(cursor, tenant, asked, tuple[int, int, int, bytes])
        if after:
            where.append(f"({', '.join(order)}) > (?, ?, ?, ?) AND {number} >= ?")
            given += (*after, after[0])
            # Said as an index has it.
            if first != "detail":
                where.append(
                    f"({'o' if first == 'object' and not is_gone else 'f'}.source, {place}) >= (?, ?)"
                )
                given += after[:2]
        rows = self._read_findings(
            tenant,
            first,
            where,
            f"ORDER BY {', '.join(order)} LIMIT ?",
            *(*given, most + 1),
            is_gone=is_gone,
            # Objects of one name are found in another order, and are few.
            by_first=not asked.name,
        )
        items = tuple(_finding(row) for row in rows[:most])
        if len(rows) <= most:
            return Findings(items)
        last = rows[most - 1]
        return Findings(items, _cursor((last[0], last[-1], last[1], last[2]), tenant, asked))

    def _as_written(self, tenant: str, control: str) -> str:
        """Ids of controls have large letters, but for those that a source calls otherwise."""
        large = control.upper()
        known = "SELECT 1 FROM detail WHERE tenant = ? AND control = ? LIMIT 1"
        return control if control == large or self._tables.read(tenant, known, control) else large

    def _read_findings(
        self,
        tenant: str,
        first: str,
        where: Sequence[str],
        end: str,
        *given: Any,
        is_gone: bool = False,
        by_first: bool = False,
    ) -> list[Row]:
        columns = f"{_COLUMNS}, {'f.gone, f.entry' if is_gone else 'NULL, f.object'}"
        joined = _FIRST_READ[first].format(findings="gone" if is_gone else "finding") + _JOINED
        text = f"SELECT {columns} FROM {' AND '.join((joined, *where))} {end}"
        return self._tables.read(tenant, text, *given, by_first=by_first)

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
        # ``+``: of one image SQLite is to read its packages alone, and not all of the tenant.
        where = [
            "+p.tenant = ?" if asked.digest else "p.tenant = ?",
            "p.id > ?",
            "substr(p.version, 1, ?) = ?",
        ]
        given: list[Any] = [after, len(asked.version), asked.version]
        if asked.digest:
            where.append("p.image IN (SELECT id FROM image WHERE digest = ?)")
            given.append(asked.digest)
        if asked.source:
            where.append(
                "p.image IN (SELECT i.id FROM image i JOIN source s ON s.id = i.source WHERE s.name = ?)"
            )
            given.append(asked.source)
        if asked.name:
            # An index has both spellings; where they differ, only one is that of the row's ecosystem.
            of_pypi, of_others = (searched_name(type, asked.name) for type in ("pypi", ""))
            if of_pypi == of_others:
                where.append("p.short = ?")
                given.append(of_others)
            else:
                where += ["p.short IN (?, ?)", "p.short = CASE WHEN p.type = 'pypi' THEN ? ELSE ? END"]
                given += [of_pypi, of_others] * 2
            if "/" in asked.name:
                where.append("lower(p.name) = lower(?)")
                given.append(asked.name)
        # Thousands of images have some names: an index chooses the page, and rows are read for that alone.
        rows = self._tables.read(
            tenant,
            "SELECT p.id, s.name, i.digest, i.name, p.type, p.name, p.version, i.received,"
            f" {_DISPUTED} FROM (SELECT p.id FROM package p WHERE {' AND '.join(where)} ORDER BY p.id LIMIT ?) chosen"
            " JOIN package p ON p.id = chosen.id JOIN image i ON i.id = p.image JOIN source s ON s.id = i.source ORDER BY p.id",
            *(*given, most + 1),
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
            " AND (? = '' OR s.name = ?) AND (? = '' OR i.id IN"
            " (SELECT v.image FROM vulnerability v WHERE v.tenant = ? AND v.vulnerability IN (?, ?, ?)))"
            " ORDER BY i.id LIMIT ?",
            *(after, asked.source, asked.source, asked.vulnerability, self._tables.tenant(tenant)),
            *(
                asked.vulnerability,
                asked.vulnerability.upper(),
                _as_github_writes(asked.vulnerability),
                most + 1,
            ),
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
            own = f"WHERE f.tenant = ? AND f.source = ? AND o.namespace IN ({names})"
            parts = [
                f"SELECT day, severity, sum(opened), sum(gone) FROM ({part} {own}) one GROUP BY 1, 2"
                for part in CAME_AND_WENT
            ]
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
            "WITH its AS (SELECT f.source, f.severity, f.first, EXISTS (SELECT 1 FROM detail d WHERE d.tenant = f.tenant"
            " AND d.source = f.source AND d.id = f.detail AND d.accepted <> '') AS is_accepted FROM object o CROSS JOIN finding f"
            f" WHERE {_OBJECT} AND f.tenant = o.tenant AND f.source = o.source AND f.object = o.id) SELECT source, {_BY_SEVERITY},"
            " count(CASE WHEN is_accepted THEN 1 END), count(CASE WHEN first >= ? AND NOT is_accepted THEN 1 END) FROM its"
            " GROUP BY source",
            *(*place, day_before),
        )
        numbers = {row[0] for row in rows} or {
            row[0]
            for row in self._tables.read(
                tenant,
                f"SELECT DISTINCT o.source FROM object o CROSS JOIN gone f WHERE {_OBJECT} AND f.tenant = o.tenant"
                " AND f.source = o.source AND f.object = o.id LIMIT 100",
                *place,
            )
        }
        if not numbers:
            raise Refused(404, "No source has a finding about it", "its name may be another, or it has none")
        known = [one for one in self._tables.sources(tenant) if one.id in numbers]
        *counts, accepted, new = [sum(row[at] for row in rows) for at in range(1, len(SEVERITIES) + 3)]
        return Entity(
            kind=kind,
            namespace=namespace,
            name=name,
            as_of=min(one.received for one in known),
            is_silent=any(is_silent(one, self._now()) for one in known),
            **dict(zip(SEVERITIES, counts, strict=True)),
            accepted=accepted,
            new_since_yesterday=new,
            worst=tuple(_finding(row) for row in self._worst(tenant, place, rows)),
            sources=tuple(one.name for one in known),
        )

    def _worst(self, tenant: str, place: Sequence[str], counted: Sequence[Row]) -> list[Row]:
        """``counted``: how many of each severity a source has, after its number. The sources with most of the worst have the worst."""
        most = sorted(counted, key=lambda row: ([-count for count in row[1 : len(SEVERITIES) + 1]], row[0]))
        # Twice, for a single one would be put into every table.
        numbers = [row[0] for row in most[:_WORST]] * 2
        among = f"o.source IN ({', '.join('?' * len(numbers))})"
        where = (_OF_ITS_SOURCE, "o.kind = ? AND o.namespace = ? AND o.name = ?", "d.accepted = ''", among)
        end = "ORDER BY f.severity, f.first DESC, f.head, f.tail LIMIT ?"
        return self._read_findings(tenant, "object", where, end, *place, *numbers, _WORST) if numbers else []


def _first_read(asked: Asked) -> str:
    """The table that says most about which findings are asked for. What is gone has no index by control."""
    if asked.name:
        return "object"
    if (asked.control or asked.state == "accepted") and asked.state != "gone":
        return "detail"
    return "object" if asked.namespace and not asked.since else "source"


def _since(text: str) -> int:
    """Within what a column of seconds holds. Raises: ``Refused``."""
    try:
        return max(-(2**31), min(seconds_of(text), 2**31 - 1))
    except ValueError as error:
        raise Refused(400, "since is not a time", "use 2027-01-31T10:00:00Z") from error


def _equal(columns: Mapping[str, str]) -> tuple[list[str], list[Any]]:
    """Conditions, and what they are given, for those columns that were asked for."""
    asked = {column: value for column, value in columns.items() if value != ""}
    return [f"{column} = ?" for column in asked], list(asked.values())


def _as_github_writes(id: str) -> str:
    """``GHSA-jfh8-c2jp-5v3q``."""
    return f"GHSA{id[4:].lower()}"


def _finding(row: Row) -> FindingRow:
    first, gone = stamp_of(row[13]), "" if row[14] is None else stamp_of(row[14])
    mark = finding_of_mark(row[1], row[2])
    return FindingRow(*(row[3], *mark, row[4], SEVERITIES[row[5]], *row[6:13], first, gone))


def _bound(tenant: str, asked: _Page) -> bytes:
    """To the question, whatever page of it."""
    kind = type(asked).__name__.encode()
    question = msgspec.json.encode(msgspec.structs.replace(asked, cursor="", limit=MOST_ROWS))
    return sha256(b"\0".join((tenant.encode(), kind, question))).digest()[:8]


def _cursor(last: tuple[Any, ...], tenant: str, asked: _Page) -> str:
    packed = msgspec.msgpack.encode(last)
    return base64.urlsafe_b64encode(packed + _bound(tenant, asked)).decode().rstrip("=")


def _position(cursor: str, tenant: str, asked: _Page, kind: type[T]) -> T | None:
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
