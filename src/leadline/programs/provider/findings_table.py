"""One message of changes, in the tables of findings and in their sums."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from leadline.api.provider.wire import Changes, FoundFinding, LogHead
from leadline.programs.provider.database import Mark, Writing, among, mark_of, mark_of_finding
from leadline.programs.provider.schema import seconds_of
from leadline.programs.provider.source_row import SEVERITIES, Source

DAY_S = 86_400


class _Open(Struct, frozen=True):
    severity: int
    is_accepted: bool
    object: int
    detail: int
    first: int
    namespace: str


def change_findings(write: Writing, source: Source, head: LogHead, changes: Changes) -> tuple[int, int]:
    """How many were opened and how many went: those that were open and only became other ones count in neither."""
    now = seconds_of(head.received)
    gone = [mark_of_finding(bytes.fromhex(one.fingerprint), one.ordinal) for one in changes.gone]
    opened = [(mark_of_finding(bytes.fromhex(one.fingerprint), one.ordinal), one) for one in changes.opened]
    known = _known(write, source, {*gone, *(mark for mark, _ in opened)})
    sums = _Sums()
    closed: dict[Mark, _Open] = {}
    for mark in gone:
        if was := known.pop(mark, None):
            closed[mark] = was
            sums.add(was.severity, is_accepted=was.is_accepted, by=-1, is_new=True)
    objects = _numbers(write, source, "object", _OBJECT, (_object_of(one) for _, one in opened))
    places = _Places()
    for was in closed.values():
        places.add(was, went=1, day=now // DAY_S)
    details = _numbers(write, source, "detail", _DETAIL, (_detail_of(one) for _, one in opened))
    fresh: dict[Mark, _Open] = {}
    changed: dict[Mark, _Open] = {}
    for mark, one in opened:
        before = known.get(mark)
        row = known[mark] = _Open(
            SEVERITIES.index(one.severity),
            bool(one.accepted),
            objects[_object_of(one)],
            details[_detail_of(one)],
            before.first if before else now,
            one.namespace,
        )
        sums.add(row.severity, is_accepted=row.is_accepted, by=1, is_new=before is None)
        if before:
            sums.add(before.severity, is_accepted=before.is_accepted, by=-1, is_new=False)
            places.add(before, came=-1)
        places.add(row, came=1)
        (fresh if before is None or mark in fresh else changed)[mark] = row
    _write(write, source, head.index, now, (closed, fresh, changed))
    sums.write(write, source, head.received[:10])
    places.write(write, source)
    return len(fresh), len(closed)


def _known(write: Writing, source: Source, marks: set[Mark]) -> dict[Mark, _Open]:
    text = (
        "SELECT head, tail, severity, (SELECT accepted <> '' FROM detail d WHERE d.source = f.source AND d.id = f.detail), object,"
        " detail, first, (SELECT namespace FROM object o WHERE o.source = f.source AND o.id = f.object) FROM finding f"
        " WHERE tenant = ? AND source = ? AND head IN ($among)"
    )
    return {
        (row[0], row[1]): _Open(row[2], bool(row[3]), *row[4:])
        for row in among(write, text, (source.tenant_id, source.id), {head for head, _ in marks})
        if (row[0], row[1]) in marks
    }


def _write(
    write: Writing,
    source: Source,
    entry: int,
    now: int,
    rows: tuple[Mapping[Mark, _Open], Mapping[Mark, _Open], Mapping[Mark, _Open]],
) -> None:
    closed, fresh, changed = rows
    place = (source.tenant_id, source.id)
    write.many(
        "DELETE FROM finding WHERE tenant = ? AND source = ? AND head = ? AND tail = ?",
        [(*place, *mark) for mark in closed],
    )
    write.many(
        "INSERT INTO gone(tenant, source, head, tail, severity, object, detail, first, gone, entry)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (*place, *mark, one.severity, one.object, one.detail, one.first, now, entry)
            for mark, one in closed.items()
        ],
    )
    write.many(
        "INSERT INTO finding(tenant, source, head, tail, severity, object, detail, first)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        # By object: those of one workload lie on few pages, which its card reads in every cluster.
        [
            (*place, *mark, one.severity, one.object, one.detail, one.first)
            for mark, one in sorted(fresh.items(), key=lambda pair: (pair[1].object, pair[0]))
        ],
    )
    write.many(
        "UPDATE finding SET severity = ?, object = ?, detail = ? WHERE tenant = ? AND source = ? AND head = ? AND tail = ?",
        [(one.severity, one.object, one.detail, *place, *mark) for mark, one in changed.items()],
    )


_OBJECT = ("grp", "kind", "namespace", "name", "file")
_DETAIL = ("control", "path", "accepted")


def _object_of(one: FoundFinding) -> tuple[str, ...]:
    return one.group, one.kind, one.namespace, one.name, one.file


def _detail_of(one: FoundFinding) -> tuple[str, ...]:
    return one.control, one.path, one.accepted


def _numbers(
    write: Writing, source: Source, table: str, columns: tuple[str, ...], texts: Iterable[tuple[str, ...]]
) -> dict[tuple[str, ...], int]:
    """The numbers of what is in ``table``; what was not is added."""
    wanted = {mark_of(*one): one for one in dict.fromkeys(texts)}
    text = f"SELECT mark, id FROM {table} WHERE source = ? AND mark IN ($among)"
    found: dict[bytes, int] = {row[0]: row[1] for row in among(write, text, (source.id,), wanted)}
    missing = [mark for mark in wanted if mark not in found]
    if missing:
        last = write.run(f"SELECT coalesce(max(id), 0) FROM {table} WHERE source = ?", source.id)[0][0]
        new = dict(zip(missing, range(last + 1, last + 1 + len(missing)), strict=True))
        places = ", ".join("?" * (4 + len(columns)))
        write.many(
            f"INSERT INTO {table}(tenant, source, id, mark, {', '.join(columns)}) VALUES ({places})",
            [(source.tenant_id, source.id, new[mark], mark, *wanted[mark]) for mark in missing],
        )
        found |= new
    return {wanted[mark]: number for mark, number in found.items()}


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

    def write(self, write: Writing, source: Source, day: str) -> None:
        """A day without a change has a row as well: it was looked at."""
        rows = [(number, *self._rows.get(number, (0, 0, 0, 0))) for number in range(len(SEVERITIES))]
        write.many(
            "INSERT INTO tally VALUES (?, ?, ?, ?, ?) ON CONFLICT (source, severity)"
            " DO UPDATE SET open = tally.open + excluded.open, accepted = tally.accepted + excluded.accepted",
            [(source.tenant_id, source.id, *row[:3]) for row in rows],
        )
        write.many(
            "INSERT INTO day SELECT tenant, source, CAST(? AS TEXT), severity, open, accepted, CAST(? AS INTEGER), CAST(? AS INTEGER)"
            " FROM tally WHERE source = ? AND severity = ? ON CONFLICT (source, day, severity)"
            " DO UPDATE SET open = excluded.open, accepted = excluded.accepted, opened = day.opened + excluded.opened,"
            " gone = day.gone + excluded.gone",
            [(day, came, went, source.id, number) for number, _, _, came, went in rows],
        )


class _Places:
    """What one message changes in the sums of namespaces, which all sources share: exactly what the rows of findings say."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int, int], list[int]] = {}

    def add(self, one: _Open, *, came: int = 0, went: int = 0, day: int = -1) -> None:
        """``day``: when it went; it came when it was received first."""
        key = (one.namespace, one.first // DAY_S if day < 0 else day, one.severity)
        row = self._rows.setdefault(key, [0, 0])
        row[0] += came
        row[1] += went

    def write(self, write: Writing, source: Source) -> None:
        write.many(
            "INSERT INTO place_day VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, namespace, day, severity)"
            " DO UPDATE SET opened = place_day.opened + excluded.opened, gone = place_day.gone + excluded.gone",
            # In one order, so that no two messages wait for each other.
            [(source.tenant_id, *key, *row) for key, row in sorted(self._rows.items()) if row != [0, 0]],
        )
