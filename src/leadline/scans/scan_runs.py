"""ScanRuns: what was scanned, when, and what could not be read. A scan that failed is recorded like any other."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from leadline.model.finding import Unread
from leadline.outputs.store.protocol import ABSENT, ConflictError, Content, Paging, Put, Store
from leadline.outputs.store.selection import Key, Selection

RUNS = "scanruns"
KEPT_RUNS = 50
"""Of each subject."""
_SHOWN_UNREAD = 100
Body = dict[str, Any]


def moment() -> str:
    """Now, as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_name(subject: str, started: str) -> str:
    return f"{subject}-{started.lower().replace(':', '')}-{uuid.uuid4().hex[:6]}"


def told_unread(unread: Sequence[Unread]) -> Body:
    """Their number, and the first of them one by one."""
    places = [
        {"where": u.where, "reason": u.reason, "why": u.why, "hint": u.hint} for u in unread[:_SHOWN_UNREAD]
    ]
    return {"unread": len(unread), "unreadPlaces": places}


async def record(store: Store, name: str, whole: Body) -> None:
    """Raises: ``StoreError``."""
    key = Key(RUNS, "", name)
    old = await store.get(key)
    content = Content(orjson.dumps({"name": name}), body=orjson.dumps(whole))
    await store.put(Put(key, content, old.revision if old else ABSENT))


async def forget_old_runs(store: Store, newest: str) -> None:
    """All but the last of the same subject as ``newest``. Raises: ``StoreError``."""
    page = await store.list(Selection(RUNS, with_body=False), Paging())
    subject = f"{newest.partition('-')[0]}-"
    runs = [entry for entry in page.entries if entry.key.name.startswith(subject)]
    for entry in sorted(runs, key=lambda run: run.key.name)[: max(0, len(runs) - KEPT_RUNS)]:
        try:
            await store.delete(entry.key, entry.revision)
        except ConflictError:
            continue
