"""The one function that says what was found before: commands, reports and pages draw their trends from it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Literal

from msgspec import UNSET, Struct

from leadline.api.kind import PREFIX
from leadline.api.kinds.configuration import JudgedObject, WorkloadConfigurationScanSummary
from leadline.api.kinds.history import DayCounts, FindingLife
from leadline.api.posture_results import SUMMARIES
from leadline.api.protocol import Entry, Readable, pages_of
from leadline.api.selection import Key, Selection
from leadline.api.stored import Reader, metadata_of
from leadline.errors import SourceError, UsageError
from leadline.model.history import Change, Day, History, Life
from leadline.model.resource import Resource
from leadline.posture.catalogue import load_controls
from leadline.scans.stored.history.admins import CLUSTER_ADMIN, LOOKS_FOR_ADMINS, known_admins
from leadline.scans.stored.history.days import CLUSTER, KEPT, MONTHS, month_of
from leadline.scans.stored.history.lives import FAILED, FOUND, HISTORIES, history_of
from leadline.scans.stored.scan_runs import RUNS, all_of, run_of

Kind = Literal["cluster", "namespace", "control", "vulnerability", "workload"]
_CONTROL = re.compile(r"[A-Z]{1,3}-\d{1,6}")
_VULNERABILITY = re.compile(r"(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9A-Z]{4}){3}|[A-Z]+-\d{4}[-:]\d+)")
_SPAN = re.compile(r"(\d{1,5})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
LEFT_OUT = b'"leftOut"'
_OF_ONE = ("control", "vulnerability")
_summary_of = Reader(WorkloadConfigurationScanSummary)


class Asked(Struct, frozen=True):
    """What the history is asked of."""

    kind: Kind = "cluster"
    name: str = ""
    """``shop``, ``C-0057``, ``CVE-2021-44228``, ``shop/Deployment/web``, ``shop/web``."""
    since: date = date.min
    until: date = date.max

    @property
    def subject(self) -> str:
        if self.name == CLUSTER_ADMIN:
            return f"finding {self.name}"
        return f"{self.kind} {self.name}" if self.name else "the cluster"


def asked_of(name: str, since: str, now: datetime) -> Asked:
    """``name`` is a namespace, the id of a control or a vulnerability, ``cluster-admin`` for who can reach cluster admin, or a
    workload with a slash; empty for the cluster.

    Raises: ``UsageError`` for a span that is none.
    """
    today = now.astimezone(UTC).date()
    # What is over for longer is not kept.
    first = max(_first_day(since, today), today - KEPT)
    if not name:
        return Asked("cluster", "", first, today)
    if "/" in name:
        return Asked("workload", name, first, today)
    if _VULNERABILITY.fullmatch(name.upper()):
        return Asked("vulnerability", name, first, today)
    if name.lower() == CLUSTER_ADMIN:
        return Asked("control", CLUSTER_ADMIN, first, today)
    return Asked("control" if _CONTROL.fullmatch(name.upper()) else "namespace", name, first, today)


async def history(store: Readable, asked: Asked) -> History:
    """What was found of ``asked`` from its first day to its last.

    Raises:
        SourceError: nothing is stored of it.
        StoreError: the store cannot be read.
    """
    everything, left_out = await _lives(store, asked)
    lives = [life for life in everything if _is_asked(life, asked)]
    space = asked.name if asked.kind == "namespace" else CLUSTER
    counted = {one.day: one for one in await _days(store, space)}
    if not lives and not counted:
        raise SourceError(
            f"no history of {asked.subject} is stored",
            hint="the operator keeps it, and so does a stored scan of a whole cluster",
        )
    if asked.name == CLUSTER_ADMIN and not lives and await known_admins(store) is None:
        raise SourceError("no scan that is stored looked for cluster admins", hint=LOOKS_FOR_ADMINS)
    first, last = asked.since.isoformat(), asked.until.isoformat()
    days = tuple(_drawn(day, asked, counted.get(day), lives) for day in _each(asked))
    ordered = _ordered(lives, first, last)
    return History(
        asked.subject,
        first,
        last,
        days,
        tuple(ordered),
        await _seen(store),
        tuple(_notes(days, counted, lives, left_out)),
    )


def _ordered(lives: Iterable[Life], first: str, last: str) -> list[Life]:
    """Those of the window, of which there may be hundreds of thousands: what is there comes first."""
    there, gone = [], []
    for one in lives:
        end = one.changes[-1]
        if one.changes[0].at[:10] <= last:
            if end.state in FOUND:
                there.append(one)
            elif end.at[:10] >= first:
                gone.append(one)
    by_name = attrgetter("object", "id")
    return [*sorted(there, key=by_name), *sorted(gone, key=by_name)]


def _first_day(since: str, today: date) -> date:
    if match := _SPAN.fullmatch(since):
        try:
            return today - timedelta(days=int(match[1]) * _DAYS[match[2]])
        except OverflowError:
            return date(1, 1, 1)
    try:
        first = date.fromisoformat(since)
    except ValueError as error:
        raise UsageError(f"invalid span {since}", hint="write it as 7d, 4w, 6m, 1y or 2027-01-31") from error
    if first > today:
        raise UsageError(f"{since} is in the future", hint="write it as 7d, 4w, 6m, 1y or 2027-01-31")
    return first


async def _lives(store: Readable, asked: Asked) -> tuple[list[Life], int]:
    """Those of a namespace where one is asked for, else of all; and how many vulnerabilities are not kept."""
    space = _space(asked)
    titles = {control.id: control.title for control in load_controls()}
    found: list[Life] = []
    left_out = 0
    known: set[Key] = set()
    mark = _mark(asked)
    for entry in await _objects(store, HISTORIES, space):
        known.add(Key(SUMMARIES, entry.key.namespace, entry.key.name))
        if mark not in entry.content.body.upper() and LEFT_OUT not in entry.content.body:
            continue
        spec = history_of(entry).spec
        if spec.container is not UNSET and asked.kind not in ("vulnerability", "workload"):
            # Those of images are counted by day there: hundreds of each container.
            continue
        title = _title(spec.object) or entry.key.name
        title += f" ({spec.container})" if spec.container else ""
        left_out += spec.left_out or 0
        found += (
            _life(title, id, titles.get(id, ""), one)
            for id, one in spec.findings.items()
            if one.changes and (asked.kind not in _OF_ONE or id.upper() == asked.name.upper())
        )
    # What has not changed since before there was a history has none of its own.
    if {entry.key for entry in await _objects(store, SUMMARIES, space, with_body=False)} - known:
        for entry in await _objects(store, SUMMARIES, space):
            if entry.key not in known:
                found += _first_lives(entry, titles)
    return found, left_out


def _mark(asked: Asked) -> bytes:
    """What the history of an object has in it, in capitals, where it is asked for: most need not be taken apart."""
    of_workload = asked.name.rpartition("/")[2] if asked.kind == "workload" else ""
    return (asked.name if asked.kind in _OF_ONE else of_workload).upper().encode()


def _space(asked: Asked) -> str:
    """Whose objects are asked for; empty for all."""
    if asked.kind == "namespace":
        return asked.name
    # Results about what is in no namespace are in that of the installation.
    return asked.name.partition("/")[0] if asked.kind == "workload" and asked.name.count("/") == 2 else ""


async def _objects(store: Readable, plural: str, namespace: str, *, with_body: bool = True) -> list[Entry]:
    pages = pages_of(store, Selection(plural, namespace, with_body=with_body))
    return [entry async for entries in pages for entry in entries]


def _life(title: str, id: str, of: str, one: FindingLife) -> Life:
    changes = tuple(Change(c.at, c.state, c.by or "", c.until or "") for c in one.changes or ())
    return Life(title, id, of, one.severity, changes, one.dropped or 0)


def _first_lives(summary: Entry, titles: Mapping[str, str]) -> Iterator[Life]:
    metadata = metadata_of(summary)
    labels = metadata.labels
    group, kind, name, namespace = (
        labels.get(f"{PREFIX}workload-{part}", "") for part in ("api-group", "kind", "name", "namespace")
    )
    title = Resource(group, kind, namespace, name or summary.key.name, {}).title
    at = metadata.annotations.get(f"{PREFIX}timestamp", "")
    for id, result in _summary_of(summary).spec.controls.items():
        if result.status.status == FAILED:
            since = result.first_seen or at
            severity = result.severity.severity.lower()
            yield Life(title, id, titles.get(id, ""), severity, (Change(since, FAILED),))


def _title(it: JudgedObject) -> str:
    return Resource(it.api_version, it.kind, it.namespace, it.name, {}, id=it.id).title if it.kind else ""


def _is_asked(life: Life, asked: Asked) -> bool:
    match asked.kind:
        case "control" | "vulnerability":
            return life.id.upper() == asked.name.upper()
        case "workload":
            parts, wanted = life.object.partition(" (")[0].split("/"), asked.name.split("/")
            return wanted in (parts, parts[1:]) or (len(wanted) == 2 and wanted == [parts[0], parts[-1]])
        case _:
            return True


async def _days(store: Readable, namespace: str) -> list[DayCounts]:
    """Every day that is recorded of ``namespace``."""
    found: list[DayCounts] = []
    for entry in await _objects(store, MONTHS, namespace):
        month = month_of(entry).spec
        if month.namespace == namespace:
            found += month.days or ()
    return found


def _each(asked: Asked) -> Iterator[str]:
    day = asked.since
    while day <= asked.until:
        yield day.isoformat()
        day += timedelta(days=1)


def _drawn(day: str, asked: Asked, counted: DayCounts | None, lives: Iterable[Life]) -> Day:
    """A day without a look has no numbers: none found is not none there."""
    if counted is None:
        return Day(day, None)
    if asked.kind in ("control", "vulnerability", "workload"):
        end = f"{day}T23:59:59Z"
        states = [(life.severity, life.state_at(end)) for life in lives]
        failed = Counter(severity for severity, state in states if state == FAILED)
        accepted = sum(state == FOUND[1] for _, state in states)
        return Day(day, dict(failed), accepted, rules=counted.rules)
    failed_by = {name: getattr(counted.failed, name) for name in counted.failed.__struct_fields__}
    return Day(
        day,
        {name: number for name, number in failed_by.items() if number},
        counted.accepted,
        None if counted.score is UNSET else counted.score,
        counted.objects,
        None if counted.unread is UNSET else counted.unread,
        None if counted.vulnerabilities is UNSET else counted.vulnerabilities,
        counted.rules,
        counted.database or "",
    )


async def _seen(store: Readable) -> str:
    """When someone looked at everything last."""
    seen = ""
    for run in map(run_of, await all_of(store, RUNS)):
        if (run.spec.subject or "posture") == "posture" and run.spec.scope == "everything":
            seen = max(seen, run.status.seen_at or "", run.status.finished_at)
    return seen


def _notes(
    days: Iterable[Day], counted: Mapping[str, DayCounts], lives: Iterable[Life], left_out: int
) -> Iterator[str]:
    unknown = sum(one.failed is None for one in days)
    if unknown:
        first = f"; the first that is recorded is {min(counted)}" if counted else ""
        yield f"{unknown:,} of the days are not known: no look at the cluster is recorded{first}"
    dropped = sum(one.dropped for one in lives)
    if dropped:
        yield f"{dropped:,} changes between the first and the last of a finding are not kept"
    if left_out:
        yield f"{left_out:,} vulnerabilities beyond those that are kept of a container are not in it"
