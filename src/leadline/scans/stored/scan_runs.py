"""ScanRuns: what was scanned, when, and what could not be read. A scan that failed is recorded like any other."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from leadline.api.protocol import (
    ABSENT,
    ConflictError,
    Content,
    Entry,
    Paging,
    Put,
    Store,
)
from leadline.api.selection import Key, Selection
from leadline.model.unread import Unread

RUNS = "scanruns"
KEPT_RUNS = 50
"""Of each subject."""
FOLLOWING = "Following"
"""The phase of a run without an end: it follows the changes of the cluster."""
ENDED = ("Succeeded", "Failed")
_SHOWN_UNREAD = 100
_ATTEMPTS = 3
Body = dict[str, Any]


def moment() -> str:
    """Now, as Kubernetes writes it."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """``moment``, which is in UTC, as Kubernetes writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def run_name(subject: str, started: str) -> str:
    return f"{subject}-{started.lower().replace(':', '')}-{uuid.uuid4().hex[:6]}"


def told_unread(unread: Sequence[Unread]) -> Body:
    """Their number, and the first of them one by one."""
    places = [
        {"where": u.where, "reason": u.reason, "why": u.why, "hint": u.hint} for u in unread[:_SHOWN_UNREAD]
    ]
    return {"unread": len(unread), "unreadPlaces": places}


async def record(store: Store, name: str, whole: Body) -> None:
    """What the one who ordered the run asked for stays as it is. Raises: ``StoreError``."""
    for attempt in range(_ATTEMPTS):
        try:
            await _record(store, name, whole)
        except ConflictError:
            if attempt + 1 == _ATTEMPTS:
                raise
            continue
        return


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
        whole = orjson.loads(entry.content.body)
        subject = str((whole.get("spec") or {}).get("subject") or "posture")
        status = whole.get("status") or {}
        if entry.key.name == newest:
            named = subject
        if status.get("phase") in ENDED:
            subjects.setdefault(subject, []).append((str(status.get("startedAt") or ""), entry))
    runs = sorted(subjects.get(named, ()), key=lambda run: (run[0], run[1].key.name))
    for _, entry in runs[: max(0, len(runs) - KEPT_RUNS)]:
        try:
            await store.delete(entry.key, entry.revision)
        except ConflictError:
            continue


async def all_of(store: Store, plural: str) -> list[Entry]:
    """Every object of a kind, with its body. Raises: ``StoreError``."""
    entries: list[Entry] = []
    token, is_first = "", True
    while token or is_first:
        page = await store.list(Selection(plural), Paging(token))
        entries += page.entries
        token, is_first = page.token, False
    return entries


async def run_rows(store: Store) -> list[Body]:
    """The newest first. Raises: ``StoreError``."""
    return [_row(entry) for entry in sorted(await all_of(store, RUNS), key=lambda e: -e.revision)]


def _row(entry: Entry) -> Body:
    whole = orjson.loads(entry.content.body)
    spec, status = whole.get("spec") or {}, whole.get("status") or {}
    coverage = status.get("coverage") or {}
    target = spec.get("target") or {}
    return {
        "name": entry.key.name,
        "phase": status.get("phase") or "",
        "message": status.get("message") or "",
        "target": target.get("name") or "",
        "scope": spec.get("scope") or "",
        "objects": int(coverage.get("objects") or 0),
        "images": int(coverage.get("images") or 0),
        "unread": int(coverage.get("unread") or 0),
        "findings": status.get("findings") or {},
        "started": status.get("startedAt") or "",
        "finished": status.get("finishedAt") or "",
    }
