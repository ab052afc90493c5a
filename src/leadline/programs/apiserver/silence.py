"""Marks a scan that follows the cluster as ``Stale`` once the one who writes it has not been heard of.

The phase is written by the very process that may have died, so that it would show ``Following`` for ever. The operator says
every few minutes that it follows, and takes the mark away by that.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from leadline.api.protocol import ConflictError, Put, Store, pages_of
from leadline.api.selection import Selection
from leadline.programs.apiserver.encoding import wire
from leadline.programs.apiserver.encoding.forms import Served
from leadline.scans.stored.scan_runs import FOLLOWING, RUNS, STALE, UNHEARD

log = logging.getLogger(__name__)


async def mark_stale(store: Store, served: Iterable[Served], now: datetime) -> list[str]:
    """The names of the runs that were marked at ``now``. Raises: ``StoreError``."""
    marked: list[str] = []
    for one in served:
        if one.kind.plural != RUNS:
            continue
        async for entries in pages_of(store, Selection(RUNS)):
            for entry in entries:
                whole = wire.object_of(one, entry)
                status: dict[str, Any] = whole.get("status") or {}
                if status.get("phase") != FOLLOWING or now - _seen(status) < UNHEARD:
                    continue
                message = f"nothing was heard of the operator since {status.get('seenAt') or 'it began'}; results are older"
                whole["status"] = {**status, "phase": STALE, "message": message}
                try:
                    await store.put(Put(entry.key, wire.content_of(one, whole), entry.revision))
                except ConflictError:
                    # The operator has just been heard of.
                    continue
                log.warning("%s: %s", entry.key.name, message)
                marked.append(entry.key.name)
    return marked


def _seen(status: dict[str, Any]) -> datetime:
    """When it was last heard of; long ago where that is not known."""
    for field in ("seenAt", "startedAt"):
        try:
            return datetime.fromisoformat(str(status.get(field) or "")).astimezone(UTC)
        except ValueError:
            continue
    return datetime.now(UTC) - timedelta(days=365)
