"""Writes a posture report into a store: results are replaced, a scan is recorded, and what vanished is collected."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import orjson
from msgspec import Struct

from leadline.errors import StoreError
from leadline.model.report import PostureReport
from leadline.outputs.store.posture_results import PREFIX, SCANS, SUMMARIES, posture_puts
from leadline.outputs.store.protocol import ConflictError, Content, Paging, Put, Store
from leadline.outputs.store.selection import Key, Selection, labels_of
from leadline.scans.scan_runs import forget_old_runs, moment, record, run_name, told_unread
from leadline.version import __version__

BATCH = 200
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
    started = moment()
    run = run_name("posture", started)
    if not any(report.judged):
        await record(store, run, _run(report, options, (started, "Failed", "no object was judged")))
        return Stored(run, 0, 0)
    await record(store, run, _run(report, options, (started, "Running", "")))
    seen: set[Key] = set()
    try:
        for batch in _batches(posture_puts(report, options.home, started)):
            merged = batch if options.is_full else [await _merged(store, put) for put in batch]
            await store.put_all(merged)
            seen.update(put.key for put in batch)
        collected = await _collect(store, seen) if options.is_full and not report.unread else 0
    except StoreError as error:
        await record(store, run, _run(report, options, (started, "Failed", str(error))))
        raise
    await record(store, run, _run(report, options, (started, "Succeeded", "")))
    await forget_old_runs(store, run)
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


def _run(report: PostureReport, options: StoreOptions, outcome: tuple[str, str, str]) -> Body:
    started, phase, message = outcome
    counts = report.severities()
    target = report.target
    return {
        "spec": {
            "target": {
                "kind": target.kind,
                "name": target.name,
                "serverVersion": target.server_version,
                "cloud": target.cloud,
            },
            "trigger": options.trigger,
            "subject": "posture",
            "scope": "everything" if options.is_full else "part",
            "controls": [control.id for control in report.controls],
            "frameworks": [framework.name for framework in report.frameworks],
            "tool": {"name": "leadline", "version": __version__},
        },
        "status": {
            "phase": phase,
            "startedAt": started,
            "finishedAt": "" if phase == "Running" else moment(),
            "message": message,
            "coverage": {
                "objects": report.objects,
                "judged": report.objects_judged,
                "images": 0,
                "controls": len(report.controls),
                **told_unread(report.unread),
                "skips": [{"control": s.control, "kind": s.kind, "why": s.why} for s in report.skips],
                "undecided": report.objects_undecided,
            },
            "findings": {name: counts[name] for name in ("critical", "high", "medium", "low", "unknown")},
        },
    }


def _batches(puts: Iterable[Put]) -> Iterator[Sequence[Put]]:
    source = iter(puts)
    while batch := list(islice(source, BATCH)):
        yield batch
