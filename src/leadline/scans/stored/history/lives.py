"""How the history of an object continues with what a scan finds. Every change of state is kept, nothing in between."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import orjson
from msgspec import UNSET, Struct
from msgspec.structs import replace

from leadline.api.kind import OUR_GROUP
from leadline.api.kinds.configuration import JudgedObject
from leadline.api.kinds.history import (
    FINDING_HISTORIES,
    FindingChange,
    FindingHistory,
    FindingLife,
    ObjectHistory,
)
from leadline.api.posture_results import BY_EXCEPTION, OBJECT
from leadline.api.protocol import ABSENT, Content, Entry, Put, Store, pages_of
from leadline.api.selection import Key, Selection
from leadline.api.stored import Reader, metadata_of

HISTORIES = FINDING_HISTORIES.plural
GONE = f"{OUR_GROUP}/gone"
"""The annotation that says since when the object is gone, so that no one has to read bodies for it."""
MOST_CHANGES = 40
"""Of one finding; of more the first and the last are kept."""
FAILED, ACCEPTED, PASSED, NOT_JUDGED, NO_OBJECT = "failed", "accepted", "passed", "not judged", "gone"
FOUND = (FAILED, ACCEPTED)
Body = dict[str, Any]
history_of = Reader(FindingHistory)


class Seen(Struct, frozen=True):
    """What a scan says of one control of an object."""

    state: str
    severity: str = ""
    until: str = ""
    """When what accepts it ends; empty for never."""


class Look(Struct, frozen=True):
    """One look at an object."""

    seen: Mapping[str, Seen]
    """By the id of the control."""
    at: str
    by: str = ""
    """``rules`` where this is the first look by others."""
    since: Mapping[str, str] = {}
    """For what was known to fail before there was a history: since when."""
    others: str = "not judged"
    """The state of what is not in ``seen``."""


def states_of(controls: Mapping[str, Any]) -> dict[str, Seen]:
    """Out of the results of a ``WorkloadConfigurationScan``."""
    return {id: _seen(result) for id, result in controls.items() if isinstance(result, dict)}


def continued(old: ObjectHistory | None, look: Look) -> ObjectHistory | None:
    """``old`` with what ``look`` changes; ``None`` where that is nothing."""
    lives = dict(old.findings) if old else {}
    for id, since in look.since.items():
        if id not in lives:
            lives[id] = _grown(FindingLife(), FindingChange(since, FAILED))
    for id, seen in look.seen.items():
        life = lives.get(id)
        if life is None and seen.state not in FOUND:
            continue
        lives[id] = _after(life or FindingLife(), seen, look)
    for id, life in lives.items():
        if id not in look.seen and _state(life) in FOUND:
            lives[id] = _after(life, Seen(look.others), look)
    is_back = old is not None and old.gone_at is not UNSET
    if not lives or (old is not None and lives == old.findings and not is_back):
        return None
    return replace(old, findings=lives, gone_at=UNSET) if old else ObjectHistory(findings=lives)


def ended(old: ObjectHistory | None, at: str, since: Mapping[str, str] | None = None) -> ObjectHistory | None:
    """``old`` of an object that is gone; ``None`` where nothing was ever found of it, or that is known."""
    if old is not None and old.gone_at is not UNSET:
        return None
    known = Look({}, at, since=since or {})
    base = old or continued(None, Look({id: Seen(FAILED) for id in known.since}, at, since=known.since))
    if base is None:
        return None
    gone = FindingChange(at, NO_OBJECT)
    lives = {id: _grown(life, gone) if _state(life) in FOUND else life for id, life in base.findings.items()}
    return replace(base, findings=lives, gone_at=at)


def history_put(result: Put, history: ObjectHistory, revision: int) -> Put:
    """In the place of ``result``, a ``WorkloadConfigurationScan``."""
    metadata = orjson.loads(result.content.metadata)
    named = (metadata.get("annotations") or {}).get(OBJECT)
    if named:
        history = replace(history, object=msgspec.json.decode(named, type=JudgedObject))
    key = Key(HISTORIES, result.key.namespace, result.key.name)
    return put_of(key, history, metadata.get("labels") or {}, revision)


def ended_put(entry: Entry | None, key: Key, result: Entry, history: ObjectHistory) -> Put:
    """As ``history_put`` for an object that is gone; ``entry`` is what is stored of its history."""
    metadata = orjson.loads((entry or result).content.metadata)
    if entry is None and (named := (metadata.get("annotations") or {}).get(OBJECT)):
        history = replace(history, object=msgspec.json.decode(named, type=JudgedObject))
    return put_of(key, history, metadata.get("labels") or {}, entry.revision if entry else ABSENT)


async def keys_of(store: Store, plural: str) -> AsyncIterator[tuple[Key, str]]:
    """The key of each, and since when its object is gone; empty where that is there."""
    async for entries in pages_of(store, Selection(plural, with_body=False)):
        for entry in entries:
            yield entry.key, metadata_of(entry).annotations.get(GONE, "")


def put_of(key: Key, history: ObjectHistory, labels: Mapping[str, str], revision: int) -> Put:
    gone = {} if history.gone_at is UNSET else {"annotations": {GONE: history.gone_at}}
    metadata = {"name": key.name, "namespace": key.namespace, "labels": labels, **gone}
    body = msgspec.json.encode(FindingHistory(history))
    return Put(key, Content(orjson.dumps(metadata), body=body), revision)


def _seen(result: Body) -> Seen:
    status = result.get("status") or {}
    severity = str((result.get("severity") or {}).get("severity") or "").lower()
    match status.get("status"):
        case "failed":
            return Seen(FAILED, severity)
        case "passed" if status.get("subStatus") == BY_EXCEPTION:
            ends = [str(rule.get("expires") or "") for rule in result.get("rules") or () if _accepts(rule)]
            return Seen(ACCEPTED, severity, "" if "" in ends else min(ends, default=""))
        case "passed":
            return Seen(PASSED, severity)
        case _:
            return Seen(NOT_JUDGED, severity)


def _accepts(rule: Any) -> bool:
    return isinstance(rule, dict) and (rule.get("status") or {}).get("subStatus") == BY_EXCEPTION


def _after(life: FindingLife, seen: Seen, look: Look) -> FindingLife:
    until = seen.until or UNSET
    last = life.changes[-1] if life.changes else None
    if last is None or last.state != seen.state:
        if last is not None and {last.state, seen.state} <= {PASSED, NOT_JUDGED, NO_OBJECT}:
            # It was not there before, and is not there now.
            return life
        life = _grown(life, FindingChange(look.at, seen.state, look.by or UNSET, until))
    elif last.until != until:
        life = replace(life, changes=(*(life.changes or ())[:-1], replace(last, until=until)))
    return replace(life, severity=seen.severity) if seen.severity and seen.severity != life.severity else life


def _grown(life: FindingLife, change: FindingChange) -> FindingLife:
    changes = (*(life.changes or ()), change)
    if len(changes) <= MOST_CHANGES:
        return replace(life, changes=changes)
    kept = (changes[0], *changes[len(changes) - MOST_CHANGES + 1 :])
    before = 0 if life.dropped is UNSET else life.dropped
    return replace(life, changes=kept, dropped=before + len(changes) - len(kept))


def _state(life: FindingLife) -> str:
    return life.changes[-1].state if life.changes else ""
