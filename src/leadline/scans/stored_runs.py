"""The recorded scans of a store."""

from typing import Any

import orjson

from leadline.outputs.store.protocol import Entry, Paging, Store
from leadline.outputs.store.selection import Selection
from leadline.scans.scan_runs import RUNS

Row = dict[str, Any]


async def run_rows(store: Store) -> list[Row]:
    """The newest first. Raises: ``StoreError``."""
    return [_row(entry) for entry in sorted(await all_of(store, RUNS), key=lambda e: -e.revision)]


async def all_of(store: Store, plural: str) -> list[Entry]:
    """Every object of a kind, with its body. Raises: ``StoreError``."""
    entries: list[Entry] = []
    token, is_first = "", True
    while token or is_first:
        page = await store.list(Selection(plural), Paging(token))
        entries += page.entries
        token, is_first = page.token, False
    return entries


def _row(entry: Entry) -> Row:
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
