"""Writes a posture report into a store: results are replaced, a scan is recorded, and what vanished is collected."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import orjson
from msgspec import Struct

from leadline.errors import StoreError
from leadline.model.report import PostureReport
from leadline.outputs.store.posture_results import PREFIX, SCANS, SUMMARIES, posture_puts
from leadline.outputs.store.protocol import ABSENT, ConflictError, Content, Paging, Put, Store
from leadline.outputs.store.selection import Key, Selection, labels_of
from leadline.version import __version__

BATCH = 200
RUNS = "scanruns"
KEPT_RUNS = 50
_SHOWN_UNREAD = 100
Body = dict[str, Any]


class StoreOptions(Struct, frozen=True):
    home: str = "leadline"
    """Namespace for results about objects that have none."""
    is_full: bool = False
    """Whether every object and every control was looked at: only then what was not seen is gone."""
    trigger: str = "command"


class Stored(Struct, frozen=True):
    run: str
    """Name of the ScanRun."""
    written: int
    collected: int


async def store_posture(store: Store, report: PostureReport, options: StoreOptions) -> Stored:
    """Results of controls that this scan did not ask for stay, where it was not a full one.

    A report that judged nothing is recorded as failed and replaces nothing. Raises: ``StoreError``.
    """
    started = _moment()
    run = f"posture-{started.lower().replace(':', '')}-{uuid.uuid4().hex[:6]}"
    if not any(report.judged):
        await _record(store, run, _run(report, options, (started, "Failed", "no object was judged")))
        return Stored(run, 0, 0)
    await _record(store, run, _run(report, options, (started, "Running", "")))
    seen: set[Key] = set()
    try:
        for batch in _batches(posture_puts(report, options.home, started)):
            merged = batch if options.is_full else [await _merged(store, put) for put in batch]
            await store.put_all(merged)
            seen.update(put.key for put in batch)
        collected = await _collect(store, seen) if options.is_full and not report.unread else 0
    except StoreError as error:
        await _record(store, run, _run(report, options, (started, "Failed", str(error))))
        raise
    await _record(store, run, _run(report, options, (started, "Succeeded", "")))
    await _forget_runs(store)
    return Stored(run, len(seen), collected)


async def _merged(store: Store, put: Put) -> Put:
    """``put`` with the results of those controls that only an older scan asked for."""
    old = await store.get(put.key)
    if old is None:
        return put
    kept = orjson.loads(old.content.body).get("spec", {}).get("controls") or {}
    body = orjson.loads(put.content.body)
    spec = body["spec"]
    spec["controls"] = {**kept, **spec["controls"]}
    if "severities" in spec:
        spec["severities"] = _counts(spec["controls"], spec["severities"])
    return Put(put.key, Content(put.content.metadata, body=orjson.dumps(body)))


def _counts(controls: Body, names: Iterable[str]) -> dict[str, int]:
    counts = dict.fromkeys(names, 0)
    for control in controls.values():
        severity = str(control["severity"]["severity"]).lower()
        if control["status"]["status"] == "failed" and severity in counts:
            counts[severity] += 1
    return counts


async def _collect(store: Store, seen: set[Key]) -> int:
    """Deletes results about objects that a full scan has not met; those that people manage stay."""
    count = 0
    for plural in (SCANS, SUMMARIES):
        token, is_first = "", True
        while token or is_first:
            page = await store.list(Selection(plural, with_body=False), Paging(token))
            token, is_first = page.token, False
            for entry in page.entries:
                if (
                    entry.key in seen
                    or labels_of(entry.content.metadata).get(f"{PREFIX}managed-by") == "User"
                ):
                    continue
                try:
                    await store.delete(entry.key, entry.revision)
                except ConflictError:
                    # It was written meanwhile: it is not the one that was not seen.
                    continue
                count += 1
    return count


async def _record(store: Store, name: str, whole: Body) -> None:
    metadata = orjson.dumps({"name": name})
    old = await store.get(Key(RUNS, "", name))
    expected = old.revision if old else ABSENT
    await store.put(Put(Key(RUNS, "", name), Content(metadata, body=orjson.dumps(whole)), expected))


async def _forget_runs(store: Store) -> None:
    page = await store.list(Selection(RUNS, with_body=False), Paging())
    for entry in page.entries[: max(0, len(page.entries) - KEPT_RUNS)]:
        try:
            await store.delete(entry.key, entry.revision)
        except ConflictError:
            continue


def _run(report: PostureReport, options: StoreOptions, outcome: tuple[str, str, str]) -> Body:
    started, phase, message = outcome
    counts = report.severities()
    unread = [{"where": u.where, "reason": u.reason, "why": u.why} for u in report.unread[:_SHOWN_UNREAD]]
    return {
        "spec": {
            "target": {"kind": report.target.kind, "name": report.target.name},
            "trigger": options.trigger,
            "frameworks": [framework.name for framework in report.frameworks],
            "tool": {"name": "leadline", "version": __version__},
        },
        "status": {
            "phase": phase,
            "startedAt": started,
            "finishedAt": "" if phase == "Running" else _moment(),
            "message": message,
            "coverage": {
                "objects": report.objects,
                "images": 0,
                "controls": len(report.controls),
                "unread": len(report.unread),
                "unreadPlaces": unread,
            },
            "findings": {name: counts[name] for name in ("critical", "high", "medium", "low", "unknown")},
        },
    }


def _batches(puts: Iterable[Put]) -> Iterator[Sequence[Put]]:
    source = iter(puts)
    while batch := list(islice(source, BATCH)):
        yield batch


def _moment() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
