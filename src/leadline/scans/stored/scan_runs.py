"""ScanRuns: what was scanned, when, and what could not be read. A scan that failed is recorded like any other."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from leadline.api.kinds.configuration import CONFIGURATION_SEVERITIES, SeverityCounts
from leadline.api.kinds.scans import RunCondition, ScanOutcome, ScanRun, UnreadPlace
from leadline.api.protocol import ABSENT, ConflictError, Content, Entry, Put, Readable, Store, pages_of
from leadline.api.selection import Key, Selection
from leadline.api.stored import Reader
from leadline.model.unread import Unread

RUNS = "scanruns"
KEPT_RUNS = 50
"""Of each subject."""
FOLLOWING = "Following"
"""The phase of a run without an end: it follows the changes of the cluster."""
STALE = "Stale"
"""What the API server makes of that once nothing was heard of who follows for ``UNHEARD``."""
UNHEARD = timedelta(minutes=15)
ENDED = ("Succeeded", "Failed")
_SHOWN_UNREAD = 100
_ATTEMPTS = 3
Body = dict[str, Any]
run_of = Reader(ScanRun)


def moment() -> str:
    """Now, as Kubernetes writes it."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """``moment``, which is in UTC, as Kubernetes writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def run_name(subject: str, started: str) -> str:
    return f"{subject}-{started.lower().replace(':', '')}-{uuid.uuid4().hex[:6]}"


def unread_places(unread: Sequence[Unread]) -> tuple[UnreadPlace, ...]:
    """The first of them."""
    return tuple(UnreadPlace(u.where, u.reason, u.why, u.hint) for u in unread[:_SHOWN_UNREAD])


def image_counts(found: Mapping[str, int]) -> SeverityCounts:
    """By the severities of ScanRuns, which do not know ``negligible``."""
    counts = {name: found.get(name, 0) for name in CONFIGURATION_SEVERITIES}
    return SeverityCounts(**{**counts, "low": counts["low"] + found.get("negligible", 0)})


async def record(store: Store, name: str, run: ScanRun) -> None:
    """What the one who ordered the run asked for stays as it is. Raises: ``StoreError``."""
    run = replace(run, status=replace(run.status, conditions=_conditions(run.status)))
    whole = msgspec.to_builtins(run)
    if run.status.phase == "Failed" and not run.status.coverage.objects and not run.status.coverage.images:
        # Nothing was looked at: zeros would say that nothing is wrong.
        whole["status"]["findings"] = {}
    for attempt in range(_ATTEMPTS):
        try:
            await _record(store, name, whole)
        except ConflictError:
            if attempt + 1 == _ATTEMPTS:
                raise
            continue
        return


def _conditions(status: ScanOutcome) -> tuple[RunCondition, ...]:
    """Both kinds at any time, so that who waits for either sees what it is."""
    at = status.finished_at or status.started_at
    return tuple(
        RunCondition(name, "True" if status.phase == phase else "False", at, status.phase, status.message)
        for name, phase in (("Complete", "Succeeded"), ("Failed", "Failed"))
    )


async def _record(store: Store, name: str, whole: Body) -> None:
    key = Key(RUNS, "", name)
    old = await store.get(key)
    if old is None:
        metadata = orjson.dumps({"name": name})
    else:
        metadata = old.content.metadata
        asked = orjson.loads(old.content.body).get("spec") or {}
        whole = {**whole, "spec": {**whole["spec"], **{k: v for k, v in asked.items() if v}}}
    content = Content(metadata, body=orjson.dumps(whole))
    await store.put(Put(key, content, old.revision if old else ABSENT))


async def forget_old_runs(store: Store, newest: str) -> None:
    """All but the last of the same subject as ``newest``; those that are still to be done stay. Raises: ``StoreError``."""
    subjects: dict[str, list[tuple[str, Entry]]] = {}
    named = ""
    for entry in await all_of(store, RUNS):
        run = run_of(entry)
        subject = run.spec.subject or "posture"
        if entry.key.name == newest:
            named = subject
        if run.status.phase in ENDED:
            subjects.setdefault(subject, []).append((run.status.started_at, entry))
    runs = sorted(subjects.get(named, ()), key=lambda run: (run[0], run[1].key.name))
    for _, entry in runs[: max(0, len(runs) - KEPT_RUNS)]:
        try:
            await store.delete(entry.key, entry.revision)
        except ConflictError:
            continue


async def all_of(store: Readable, plural: str) -> list[Entry]:
    """Every object of a kind, with its body. Raises: ``StoreError``."""
    return [entry async for entries in pages_of(store, Selection(plural)) for entry in entries]


async def run_rows(store: Store) -> list[Body]:
    """The newest first. Raises: ``StoreError``."""
    return [_row(entry) for entry in sorted(await all_of(store, RUNS), key=lambda e: -e.revision)]


def _row(entry: Entry) -> Body:
    run = run_of(entry)
    coverage = run.status.coverage
    return {
        "name": entry.key.name,
        "phase": run.status.phase,
        "message": run.status.message,
        "target": run.spec.target.name,
        "scope": run.spec.scope or "",
        "objects": coverage.objects,
        "images": coverage.images,
        "unread": coverage.unread,
        "findings": (orjson.loads(entry.content.body).get("status") or {}).get("findings") or {},
        "started": run.status.started_at,
        "finished": run.status.finished_at,
    }
