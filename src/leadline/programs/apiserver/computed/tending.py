"""What the server itself completes and corrects in objects that others wrote."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
from msgspec import Struct

from leadline.api.protocol import ConflictError, Entry, Put, Store, pages_of
from leadline.api.selection import Selection
from leadline.programs.apiserver.encoding import wire
from leadline.programs.apiserver.encoding.forms import Served
from leadline.scans.stored.scan_runs import FOLLOWING, RUNS, STALE, UNHEARD

log = logging.getLogger(__name__)


class _Identity(Struct):
    uid: str = ""


_identity_of = msgspec.json.Decoder(_Identity).decode


def _lacks_identity(entry: Entry) -> bool:
    """Not so where it cannot be read: a damaged object is left as it is."""
    try:
        return not _identity_of(entry.content.metadata).uid
    except (msgspec.DecodeError, UnicodeDecodeError):
        log.error("%s: its metadata is damaged", entry.key)
        return False


async def complete(store: Store, served: Iterable[Served]) -> int:
    """Gives objects that a command wrote straight into the file what only a server gives: an identity, and cells of tables.

    Returns how many lacked them. Raises: ``StoreError``.
    """
    count = 0
    for one in served:
        async for entries in pages_of(store, Selection(one.kind.plural, with_body=False)):
            for listed in entries:
                if not _lacks_identity(listed):
                    continue
                entry = await store.get(listed.key)
                if entry is None:
                    continue
                whole = wire.object_of(one, entry)
                metadata = {"labels": {}, "annotations": {}, **orjson.loads(entry.content.metadata)}
                wire.make_new(metadata)
                content = wire.content_of(one, {**whole, "metadata": metadata})
                try:
                    await store.put(Put(listed.key, content, entry.revision))
                except ConflictError:
                    # Another replica was faster.
                    continue
                count += 1
    return count


async def mark_stale(store: Store, served: Iterable[Served], now: datetime) -> list[str]:
    """Marks a scan that follows the cluster as ``Stale`` once the one who writes it has not been heard of.

    The phase is written by the very process that may have died, so that it would show ``Following`` for ever. The operator says
    every few minutes that it follows, and takes the mark away by that. Returns the names of the runs that were marked at ``now``.

    Raises: ``StoreError``.
    """
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
