"""What is open and what was: a view of the logs that can be rebuilt, beside tenants, sources and tokens."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict, astuple

from leadline.api.provider.wire import Changes, ImageContent, LogHead
from leadline.errors import UsageError
from leadline.programs.provider.database import (
    EVERYONE,
    Database,
    Row,
    TakenError,
    Writing,
    finding_of_mark,
    mark_of,
    searched_name,
)
from leadline.programs.provider.findings_table import change_findings
from leadline.programs.provider.ranks_table import change_ranks
from leadline.programs.provider.schema import CAME_AND_WENT, PLACES_SUMMED
from leadline.programs.provider.source_row import SEVERITIES, Source

Role = Literal["write", "read", "admin"]
OTHER_SCOPE, DAMAGED_LOG = "other-scope", "damaged-log"
VIEW = ("finding", "gone", "object", "detail", "tally", "day", "message", "image", "ranked")
"""The tables that the logs make, with the columns of ``source`` that ``apply`` writes."""
MESSAGES_KEPT_DAYS = 30
_ALERTS_OF_A_SOURCE = 1_000
_MOST_TENANTS = 30_000


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


class Standing(Struct, frozen=True):
    """Where a source is when a message comes."""

    source: Source
    open: int
    """Findings, with those that are accepted."""
    done: Done | None
    """By a message of the same key."""


class Tables:
    """Safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenants: dict[str, int] = {}

    def close(self) -> None:
        self._database.close()

    def read(self, tenant: str, text: str, *given: Any, by_first: bool = False) -> list[Row]:
        """``?`` in ``text`` for what is given; its first is the number of the tenant."""
        number = self.tenant(tenant)
        return self._database.read(number, text, number, *given, by_first=by_first)

    # Tenants, sources and tokens.

    def tenant(self, name: str) -> int:
        """Its number; -1, which no row has, for an unknown one."""
        if name not in self._tenants:
            rows = self._database.read(EVERYONE, "SELECT id FROM tenant WHERE name = ?", name)
            if not rows:
                return -1
            self._tenants[name] = rows[0][0]
        return self._tenants[name]

    def tenants(self) -> list[str]:
        return [row[0] for row in self._database.read(EVERYONE, "SELECT name FROM tenant ORDER BY name")]

    def add_tenant(self, name: str, now: str) -> None:
        """Raises: ``UsageError`` where there is one of that name, or no room for more."""
        if len(self.tenants()) >= _MOST_TENANTS:
            raise UsageError("there are too many tenants")
        try:
            with self._database.writing(EVERYONE) as write:
                write.run("INSERT INTO tenant(name, created) VALUES (?, ?)", name, now)
        except TakenError:
            raise UsageError(f"there is a tenant {name} already") from None
        self._database.add_tenant(self.tenant(name))

    def add_source(self, tenant: str, name: str, kind: str, every: int, now: str) -> None:
        """Raises: ``UsageError`` where there is one of that name, or no such tenant."""
        number = self.known_tenant(tenant)
        try:
            with self._database.writing(number) as write:
                write.run(
                    "INSERT INTO source(tenant, name, kind, every, created) VALUES (?, ?, ?, ?, ?)",
                    *(number, name, kind, every, now),
                )
        except TakenError:
            raise UsageError(
                f"there is a source {name} already",
                hint=f"leadline provider add-token NAME {name} prints another token for it",
            ) from None

    def add_token(self, token: Token, digest: str, now: str) -> None:
        """Raises: ``UsageError`` where there is one of that name, or no such tenant."""
        number = EVERYONE if token.role == "admin" else self.known_tenant(token.tenant)
        try:
            with self._database.writing(number) as write:
                write.run(
                    "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?)",
                    *(digest, token.name, number, token.source, token.role, now),
                )
        except TakenError:
            raise UsageError(
                f"there is a token {token.name} already",
                hint=f"use another name, or run leadline provider drop-token {token.name} first",
            ) from None

    def drop_token(self, tenant: str, name: str) -> bool:
        """``tenant``: empty for that of an administrator."""
        number = self.tenant(tenant) if tenant else EVERYONE
        with self._database.writing(number) as write:
            text = "DELETE FROM token WHERE tenant = ? AND name = ? RETURNING name"
            return bool(write.run(text, number, name))

    def has_token(self, tenant: str, name: str) -> bool:
        """Whether the tenant exists and has a token of that name."""
        if tenant not in self.tenants():
            return False
        return bool(self.read(tenant, "SELECT 1 FROM token WHERE tenant = ? AND name = ?", name))

    def token(self, digest: str) -> Token | None:
        rows = self._database.read(
            EVERYONE,
            "SELECT k.name, coalesce(t.name, ''), k.source, k.role FROM token k LEFT JOIN tenant t ON t.id = k.tenant WHERE k.digest = ?",
            digest,
        )
        return Token(*rows[0]) if rows else None

    def source(self, tenant: str, name: str) -> Source | None:
        rows = self.read(tenant, f"{_SOURCES} WHERE s.tenant = ? AND s.name = ?", name)
        return Source(*rows[0]) if rows else None

    def known_source(self, tenant: str, name: str) -> Source:
        """Raises: ``UsageError``."""
        self.known_tenant(tenant)
        found = self.source(tenant, name)
        if found is None:
            raise UsageError(
                f"tenant {tenant} has no source {name[:100]}",
                hint=f"leadline provider add-source {name[:100]} --tenant {tenant} adds it",
            )
        return found

    def sources(self, tenant: str | None = None) -> list[Source]:
        if tenant is None:
            rows = self._database.read(EVERYONE, f"{_SOURCES} ORDER BY t.name, s.name")
        else:
            rows = self.read(tenant, f"{_SOURCES} WHERE s.tenant = ? ORDER BY s.name")
        return [Source(*row) for row in rows]

    def known_tenant(self, tenant: str) -> int:
        """Its number. Raises: ``UsageError``."""
        number = self.tenant(tenant)
        if number < 0:
            raise UsageError(
                f"unknown tenant {tenant[:100]}",
                hint=f"leadline provider add-tenant {tenant[:100]} adds it",
            )
        return number

    # What messages do.

    def standing(self, tenant: str, name: str, key: str) -> Standing | None:
        """What a message of that key needs to know, in one question; ``None`` for an unknown source."""
        number = self.tenant(tenant)
        rows = self._database.read(
            number,
            f"SELECT (SELECT coalesce(sum(open + accepted), 0) FROM tally a WHERE a.source = s.id), m.entry, m.sent, m.opened, m.gone,"
            f" {_SOURCE} LEFT JOIN message m ON m.source = s.id AND m.key = ? WHERE s.tenant = ? AND s.name = ?",
            *(key, number, name),
        )
        if not rows:
            return None
        is_open, *done = rows[0][:5]
        return Standing(Source(*rows[0][5:]), int(is_open), None if done[0] is None else Done(*done))

    def open_findings(self, source: Source) -> dict[tuple[str, int], Known]:
        rows = self._of(
            source,
            "SELECT f.head, f.tail, d.control, f.severity, o.grp, o.kind, o.namespace, o.file, d.accepted"
            f" FROM finding f {_TEXTS} WHERE f.source = ? AND f.tenant = ?",
            source.tenant_id,
        )
        return {finding_of_mark(row[0], row[1]): Known(row[2], SEVERITIES[row[3]], *row[4:]) for row in rows}

    def open_count(self, source: Source) -> int:
        rows = self._of(source, "SELECT coalesce(sum(open + accepted), 0) FROM tally WHERE source = ?")
        return int(rows[0][0])

    def _of(self, source: Source, text: str, *given: Any) -> list[Row]:
        return self._database.read(source.tenant_id, text, source.id, *given)

    def apply(
        self,
        source: Source,
        head: LogHead,
        changes: Changes,
        size: int,
        alerts: Iterable[tuple[str, str]] = (),
        over: Iterable[str] = (),
        usual: Usual | None = None,
    ) -> Done:
        """One entry of the log of ``source``, in one transaction with its sums.

        ``size``: bytes of its record; ``alerts``: kind and text of new ones; ``over``: kinds of those that end; ``usual``: from now on, ``None``
        for as before.
        """
        self._database.begin_month(head.received[:7])
        with self._database.writing(source.tenant_id, is_lasting=False) as write:
            opened, gone = change_findings(write, source, head, changes)
            change_ranks(write, source, changes)
            write.many(
                "DELETE FROM image WHERE source = ? AND digest = ?",
                [(source.id, digest) for digest in changes.gone_images],
            )
            measured = changes.measured
            now = {
                "mode": head.kind,
                "sequence": changes.sequence,
                "previous": head.sent,
                "program": measured.program,
                "rules": measured.rules,
                "objects": measured.coverage.objects,
                "judged": measured.coverage.judged,
                "unread": measured.coverage.unread,
                "scope": measured.scope,
            }
            if usual:
                now |= {f"usual_{name}": value for name, value in asdict(usual).items()}
            _note(write, source, head, size, (opened, gone), now)
            _end_alerts(write, source, over, head.received)
            for kind, text in alerts:
                _alert(write, source, kind, text, head.received)
        return Done(head.index, head.sent, opened, gone)

    def apply_image(self, source: Source, head: LogHead, content: ImageContent, size: int) -> Done:
        """One entry that holds an image, in place of what the source said of its digest before."""
        tenant = source.tenant_id
        packages = sorted({(one.type, one.name, one.version) for one in content.packages})
        mark = mark_of(repr(packages)).hex()
        found = content.vulnerabilities
        with self._database.writing(tenant, is_lasting=False) as write:
            write.run("DELETE FROM image WHERE source = ? AND digest = ?", source.id, content.digest)
            row = write.run(
                "INSERT INTO image(tenant, source, digest, content, name, received, database, unread, packages, critical, high,"
                " exploited) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                *(tenant, source.id, content.digest, mark, content.name, head.received, content.database),
                *(content.unread, len(packages), sum(one.severity == "critical" for one in found)),
                *(sum(one.severity == "high" for one in found), sum(one.exploited for one in found)),
            )[0][0]
            write.many(
                "INSERT INTO package(tenant, image, type, name, short, version) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (tenant, row, type, name, searched_name(type, name), version)
                    for type, name, version in packages
                ],
            )
            write.many(
                "INSERT INTO vulnerability(tenant, image, vulnerability, package, version, severity, fixed, exploited)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(tenant, row, *astuple(one)) for one in found],
            )
            _note(write, source, head, size, (0, 0))
            others = write.run(
                "SELECT s.name FROM image i JOIN source s ON s.id = i.source WHERE i.digest = ? AND i.content <> ?"
                " AND i.tenant = ? ORDER BY s.name LIMIT 1",
                *(content.digest, mark, tenant),
            )
            if others:
                text = f"{content.digest[:19]} holds other packages by the word of {others[0][0]}"
                _alert(write, source, "disagreement", text, head.received)
        return Done(head.index, head.sent, 0, 0)

    def alert(self, source: Source, kind: str, text: str, now: str) -> None:
        """One that lasts already is left as it is."""
        with self._database.writing(source.tenant_id) as write:
            _alert(write, source, kind, text, now)

    def settle(self, source: Source, kinds: Sequence[str], now: str) -> None:
        """Ends alerts that a person has looked into: what the source says now is usual from then on.

        Where one says that another scope reports, the next report may have it.
        """
        with self._database.writing(source.tenant_id) as write:
            write.run(
                "UPDATE source SET scope = '' WHERE id = ? AND EXISTS (SELECT 1 FROM alert WHERE source = ? AND kind = ?"
                " AND over = '')",
                *(source.id, source.id, OTHER_SCOPE),
            )
            write.run(
                "UPDATE source SET usual_objects = objects, usual_judged = judged, usual_unread = unread,"
                " usual_program = program WHERE id = ?",
                source.id,
            )
            _end_alerts(write, source, kinds, now)

    def forget_view(self, source: Source) -> None:
        """Deletes the rows of ``source`` that its log can rebuild."""
        with self._database.writing(source.tenant_id) as write:
            for part in CAME_AND_WENT:
                write.run(
                    "INSERT INTO place_day SELECT tenant, namespace, day, severity, -sum(opened), -sum(gone)"
                    f" FROM ({part} WHERE f.source = ?) one GROUP BY 1, 2, 3, 4 ON CONFLICT (tenant, namespace, day, severity)"
                    " DO UPDATE SET opened = place_day.opened + excluded.opened, gone = place_day.gone + excluded.gone",
                    source.id,
                )
            for table in VIEW:
                write.run(f"DELETE FROM {table} WHERE source = ?", source.id)
            write.run(
                "UPDATE source SET entries = 0, mode = '', sequence = 0, previous = '', received = '', program = '',"
                " rules = '', objects = 0, judged = 0, unread = 0, scope = '', taken = 0 WHERE id = ?",
                source.id,
            )

    def sum_places(self) -> None:
        """Sums the namespaces again: after a month was dropped, what they hold of it is not in any row."""
        with self._database.writing(EVERYONE) as write:
            write.run("DELETE FROM place_day")
            write.run(PLACES_SUMMED.rstrip(";"))

    def view(self, source: Source) -> list[tuple[Any, ...]]:
        """Every row that the log of ``source`` makes, in an order of their own."""
        finding = "f.head, f.tail, d.control, f.severity, o.grp, o.kind, o.namespace, o.name, o.file, d.path, d.accepted, f.first"
        parts = (
            ("finding", f"{finding}, 0 FROM finding f {_TEXTS} WHERE f.source = ?"),
            ("finding", f"{finding}, f.gone FROM gone f {_TEXTS} WHERE f.source = ?"),
            ("tally", "severity, open, accepted FROM tally WHERE source = ?"),
            ("day", "day, severity, open, accepted, opened, gone FROM day WHERE source = ?"),
            ("message", "key, sent, entry, received, opened, gone FROM message WHERE source = ?"),
            (
                "image",
                "digest, content, name, received, database, unread, packages, critical, high, exploited FROM image WHERE source = ?",
            ),
            ("ranked", "score, grp, kind, namespace, name, sentence FROM ranked WHERE source = ?"),
        )
        return sorted((table, *row) for table, text in parts for row in self._of(source, f"SELECT {text}"))


_TEXTS = "JOIN object o ON o.source = f.source AND o.id = f.object JOIN detail d ON d.source = f.source AND d.id = f.detail"
_SOURCE = (
    "s.id, t.name, s.name, s.kind, s.created, every, entries, mode, sequence, previous, s.received, program, rules, objects,"
    " judged, unread, scope, usual_objects, usual_judged, usual_unread, usual_program, taken, s.tenant"
    " FROM source s JOIN tenant t ON t.id = s.tenant"
)
_SOURCES = f"SELECT {_SOURCE}"


def _note(
    write: Writing,
    source: Source,
    head: LogHead,
    size: int,
    done: tuple[int, int],
    now: Mapping[str, str | int] | None = None,
) -> None:
    """That the entry is in the tables, and what its message did; ``now``: other columns of its source."""
    write.many(
        f"UPDATE source SET {''.join(f'{column} = ?, ' for column in now or ())}entries = ?,"
        " taken = ? + CASE WHEN substr(received, 1, 10) = ? THEN taken ELSE 0 END, received = ? WHERE id = ?",
        [(*(now or {}).values(), head.index + 1, size, head.received[:10], head.received, source.id)],
    )
    write.many(
        "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, key) DO UPDATE SET sent = excluded.sent,"
        " entry = excluded.entry, received = excluded.received, opened = excluded.opened, gone = excluded.gone",
        [(source.tenant_id, source.id, head.key, head.sent, head.index, head.received, *done)],
    )
    oldest = _before(head.received, MESSAGES_KEPT_DAYS)
    write.many("DELETE FROM message WHERE source = ? AND received < ?", [(source.id, oldest)])


def _end_alerts(write: Writing, source: Source, kinds: Iterable[str], now: str) -> None:
    write.many(
        "UPDATE alert SET over = ? WHERE source = ? AND kind = ? AND over = ''",
        [(now, source.id, kind) for kind in kinds],
    )


def _alert(write: Writing, source: Source, kind: str, text: str, now: str) -> None:
    known = write.run(
        "SELECT 1 FROM alert WHERE source = ? AND kind = ? AND over = '' LIMIT 1", source.id, kind
    )
    if not known:
        write.run(
            "INSERT INTO alert(tenant, source, kind, since, text) VALUES (?, ?, ?, ?, ?)",
            *(source.tenant_id, source.id, kind, now, text),
        )
        write.run(
            "DELETE FROM alert WHERE source = ? AND id NOT IN (SELECT id FROM alert WHERE source = ? ORDER BY id DESC LIMIT ?)",
            *(source.id, source.id, _ALERTS_OF_A_SOURCE),
        )


def _before(now: str, days: int) -> str:
    moment = datetime.strptime(now, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return (moment - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
