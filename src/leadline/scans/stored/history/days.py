"""What a day ends with, in each namespace and in the cluster: counts, scores, coverage, and by which rules."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import orjson
from msgspec import UNSET, Struct
from msgspec.structs import replace

from leadline.api.kinds.configuration import CONFIGURATION_SEVERITIES, SeverityCounts
from leadline.api.kinds.history import NAMESPACE_HISTORIES, DayCounts, MonthOfDays, NamespaceHistory
from leadline.api.protocol import ABSENT, ConflictError, Content, Put, Store, pages_of
from leadline.api.selection import Key, Selection
from leadline.api.stored import Reader, metadata_of
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.scans.stored.history.lives import HISTORIES, keys_of
from leadline.scans.stored.image_results import SUMMARIES as IMAGE_SUMMARIES
from leadline.scans.stored.image_results import stored_counts
from leadline.scans.stored.lasting import put_lasting
from leadline.scans.stored.scan_runs import ENDED, FOLLOWING, RUNS, STALE, all_of, run_of
from leadline.version import __version__

MONTHS = NAMESPACE_HISTORIES.plural
KEPT = timedelta(days=731)
"""How long is kept what is over: two years and a day."""
MOST_GONE = 20_000
"""Objects that are gone and whose history is kept."""
RULES = "rules"
CLUSTER = ""
"""The namespace that means the cluster as a whole."""
_CLUSTER_MONTH = "cluster-"
_ATTEMPTS = 3
month_of = Reader(NamespaceHistory)


class Place(Struct, frozen=True):
    """Where the days of the cluster as a whole are kept, and when they are counted."""

    home: str
    at: str


def rules_of(report: PostureReport) -> str:
    """``1.4.0 5f0c2a9e``: the version, and a digest of the controls that were asked and of their settings."""
    asked = [sorted(control.id for control in report.controls), sorted(report.settings.items())]
    return f"{__version__} {hashlib.blake2b(repr(asked).encode(), digest_size=4).hexdigest()}"


async def record_days(store: Store, report: PostureReport, place: Place) -> int:
    """Writes what the day of ``place.at`` ends with so far, where that is not what is there; how many were written.

    ``report`` is about everything. Raises: ``StoreError``.
    """
    images = await _images(store)
    written = 0
    for namespace, counts in days_of(report, place.at).items():
        counts = _with_images(counts, images, namespace)
        written += await record_day(store, namespace, counts, place.home)
    return written


async def first_look_by(store: Store, report: PostureReport, home: str) -> str:
    """``rules`` where ``report`` is the first about everything by other rules than before; empty otherwise.

    What changed in the cluster between the last look by the old rules and this one cannot be distinguished from what the rules
    changed, and counts with it. Raises: ``StoreError``.
    """
    before = await _rules_before(store, home)
    if before:
        return "" if before == rules_of(report) else RULES
    asked = {control.id for control in report.controls}
    recorded = sorted(await all_of(store, RUNS), key=lambda entry: entry.revision, reverse=True)
    for run in map(run_of, recorded):
        if run.spec.scope == "everything" and run.status.phase in (*ENDED, FOLLOWING, STALE):
            is_same = run.spec.tool.version == __version__ and asked == set(run.spec.controls or ())
            return "" if is_same else RULES
    return ""


async def _rules_before(store: Store, home: str) -> str:
    """Of the last day that is recorded of the cluster; empty where there is none."""
    months = [key async for key, _ in keys_of(store, MONTHS) if key.namespace == home]
    last = max((one for one in months if one.name.startswith(_CLUSTER_MONTH)), default=None)
    entry = await store.get(last) if last else None
    days = month_of(entry).spec.days or () if entry else ()
    return days[-1].rules if days else ""


def days_of(report: PostureReport, at: str) -> dict[str, DayCounts]:
    """By namespace; ``CLUSTER`` for all together. Without images."""
    spaces = {one.id: _namespace(one) for one in report.resources}
    judged: Counter[tuple[str, tuple[str, ...]]] = Counter()
    objects: Counter[str] = Counter()
    for one, ids in zip(report.resources, report.judged, strict=True):
        for space in dict.fromkeys((spaces[one.id], CLUSTER)) if ids else ():
            judged[space, ids] += 1
            objects[space] += one.origin.kind != "derived"
    by_control: dict[str, Counter[str]] = {}
    for (space, ids), number in judged.items():
        counts = by_control.setdefault(space, Counter())
        for id in ids:
            counts[id] += number
    failed: dict[str, Counter[str]] = {}
    severities: dict[str, Counter[str]] = {}
    for finding in {one.pair: one for one in report.findings}.values():
        severity = finding.control_of(report.controls_by_id).severity
        for space in dict.fromkeys((spaces.get(finding.resource, CLUSTER), CLUSTER)):
            failed.setdefault(space, Counter())[finding.control] += 1
            severities.setdefault(space, Counter())[severity] += 1
    accepted = Counter(
        space
        for one in {one.finding.pair: one for one in report.waived}.values()
        for space in dict.fromkeys((spaces.get(one.finding.resource, CLUSTER), CLUSTER))
    )
    rules = rules_of(report)
    found = {}
    for space, totals in by_control.items():
        fails = failed.get(space, Counter())
        counted = severities.get(space, Counter())
        scores = [100 * (total - fails[id]) / total for id, total in totals.items()]
        found[space] = DayCounts(
            at[:10],
            at,
            objects[space],
            SeverityCounts(*(counted[name] for name in CONFIGURATION_SEVERITIES)),
            accepted[space],
            round(sum(scores) / len(scores), 2),
            len(report.unread) if space == CLUSTER else UNSET,
            rules=rules,
        )
    return found


async def forget_old(store: Store, now: datetime) -> int:
    """Deletes what has been over for longer than ``KEPT``, and of too many objects that are gone the first.

    Returns how many were deleted. Raises: ``StoreError``.
    """
    cut = now.astimezone(UTC) - KEPT
    count = 0
    async for key, _ in keys_of(store, MONTHS):
        if key.name.removeprefix(_CLUSTER_MONTH) < cut.strftime("%Y-%m"):
            count += await _drop(store, key)
    gone = sorted([(since, key) async for key, since in keys_of(store, HISTORIES) if since])
    surplus = len(gone) - MOST_GONE
    for number, (since, key) in enumerate(gone):
        if number < surplus or since < cut.strftime("%Y-%m-%d"):
            count += await _drop(store, key)
    return count


async def record_day(store: Store, namespace: str, counts: DayCounts, home: str) -> int:
    """Writes one day of one namespace where it is another than what is there. Raises: ``StoreError``."""
    month = counts.day[:7]
    key = Key(MONTHS, namespace or home, month if namespace else f"{_CLUSTER_MONTH}{month}")
    for attempt in range(_ATTEMPTS):
        entry = await store.get(key)
        old = month_of(entry).spec.days or () if entry else ()
        if any(replace(one, at=counts.at) == counts for one in old):
            return 0
        days = sorted([*(one for one in old if one.day != counts.day), counts], key=lambda one: one.day)
        metadata = {"name": key.name, "namespace": key.namespace}
        body = msgspec.json.encode(NamespaceHistory(MonthOfDays(namespace, tuple(days))))
        content = Content(orjson.dumps(metadata), body=body)
        try:
            await put_lasting(store, [Put(key, content, entry.revision if entry else ABSENT)])
        except ConflictError:
            if attempt + 1 == _ATTEMPTS:
                raise
            continue
        break
    return 1


class _Images(Struct):
    """What is found in the images of the containers of one namespace."""

    found: Counter[str]
    exploited: int = 0
    database: str = ""


async def _images(store: Store) -> dict[str, _Images]:
    """By namespace, with ``CLUSTER``; of images that were matched with a database alone."""
    sums: dict[str, _Images] = {}
    async for entries in pages_of(store, Selection(IMAGE_SUMMARIES, with_body=False)):
        for entry in entries:
            counts = stored_counts("", metadata_of(entry).annotations)
            if counts is None or not counts.is_matched:
                continue
            for space in (entry.key.namespace, CLUSTER):
                its = sums.setdefault(space, _Images(Counter()))
                its.found.update(counts.counted.found)
                its.exploited += counts.counted.exploited
                its.database = max(its.database, counts.counted.database)
    return sums


def _with_images(counts: DayCounts, images: Mapping[str, _Images], namespace: str) -> DayCounts:
    its = images.get(namespace)
    if its is None:
        return counts
    found = {name: number for name, number in sorted(its.found.items()) if number}
    return replace(counts, vulnerabilities=found, exploited=its.exploited, database=its.database or UNSET)


async def _drop(store: Store, key: Key) -> int:
    try:
        await store.delete(key)
    except ConflictError:
        return 0
    return 1


def _namespace(resource: Resource) -> str:
    return resource.name if resource.kind == "Namespace" else resource.namespace
