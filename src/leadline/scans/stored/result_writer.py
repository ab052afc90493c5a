"""Writes results into a store where they differ from what is there, with the dates on which failures were first seen."""

import asyncio
import hashlib
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import orjson
from msgspec import Struct
from msgspec.structs import replace

from leadline.api.kind import PREFIX
from leadline.api.posture_results import OBJECT, SCANS, SUMMARIES
from leadline.api.protocol import ABSENT, ConflictError, Content, EndingError, Entry, Put, Store, pages_of
from leadline.api.risk_results import RISKS
from leadline.api.selection import Key, Selection, labels_of
from leadline.kept_once import KeptOnce
from leadline.kube.kinds import kind_key
from leadline.kube.rbac import RBAC_KINDS
from leadline.scans.stored.history.lives import (
    ACCEPTED,
    FAILED,
    HISTORIES,
    Look,
    Seen,
    continued,
    ended,
    ended_put,
    history_of,
    history_put,
    keys_of,
    states_of,
)
from leadline.scans.stored.lasting import put_lasting

PLURALS = (SCANS, SUMMARIES, RISKS)
"""What is kept of objects: each has its own in one place."""
BATCH = 200
LEARNT = 100
"""Results that are read at a time: each is some 30 KiB, and takes ten times as much for a moment."""
FIRST_SEEN = "firstSeen"
TIMESTAMP = f"{PREFIX}timestamp"
RBAC = "RBAC"
_AT_A_TIME = 8
_ATTEMPTS = 3
Body = dict[str, Any]
T = TypeVar("T")


class _Known(Struct, frozen=True, gc=False):
    """As much of a stored result as is needed to know whether it is to be replaced, and by what."""

    digest: bytes
    kind: str
    """Of the object that it is about; ``RBAC`` where it was joined from roles and bindings."""
    revision: int
    failed: tuple[str, ...]
    """Ids of controls."""
    dates: tuple[str, ...]
    """Since when each of them fails."""
    accepted: tuple[str, ...] = ()
    """Ids of controls of which all that fails is accepted, each with until when."""


class _Before(Struct, frozen=True):
    """What a result continues from."""

    revision: int = ABSENT
    dates: Mapping[str, str] = {}
    """Since when each control that failed has done so."""
    accepted: tuple[str, ...] = ()
    """As of what is known."""
    controls: Body = {}


class ResultWriter:
    """Knows a digest of every posture result in a store. It is the only one that writes them meanwhile."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Key, _Known] = {}
        """Without those that people manage."""
        self._same: KeptOnce[tuple[str, ...], tuple[str, ...]] = KeptOnce()
        """Equal parts of what is known, each once."""
        self._with_history: set[Key] = set()
        """Of the histories that are there."""
        self._has_learnt = False
        self.by = ""
        """What changed where not the cluster did, of all that is written from now on: ``rules``."""
        self.ending: set[str] = set()
        """Namespaces that were being deleted while results were written last."""
        self.written = 0
        self.deleted = 0

    @property
    def keys(self) -> Iterable[Key]:
        """Of every result that is there and is not managed by people."""
        return self._known.keys()

    async def learn(self) -> None:
        """Reads what is there. Raises: ``StoreError``."""
        self._known.clear()
        for plural in PLURALS:
            async for entries in pages_of(self._store, Selection(plural), limit=LEARNT):
                for entry in entries:
                    if not _is_of_people(entry):
                        self._note(entry, _digest(entry.content))
        self._with_history = {key async for key, _ in keys_of(self._store, HISTORIES)}
        self._has_learnt = True

    def beyond(self, there: Collection[Key], unread_kinds: Collection[str]) -> list[Key]:
        """The keys of results about what no longer exists, ``there`` being all that is.

        What ``unread_kinds`` are is not known to be gone.
        """
        kept = {*unread_kinds, *({RBAC} if any(kind in unread_kinds for kind in RBAC_KINDS) else ())}
        return [key for key, one in self._known.items() if key not in there and one.kind not in kept]

    async def write(self, puts: Iterable[Put], *, at: str, is_whole: bool = True) -> list[Key]:
        """The keys of ``puts``; those that are there already are not written again.

        ``at`` is the moment of the scan. Where ``is_whole`` is false, the results of controls that ``puts`` do not
        speak of stay. Namespaces that are being deleted take nothing new; they are in ``ending`` then.
        Raises: ``StoreError``.
        """
        self.ending.clear()
        keys: list[Key] = []
        for batch in batches(puts, BATCH):
            keys += (put.key for put in batch)
            wanted = []
            for put in batch:
                digest, known = _digest(put.content), self._known.get(put.key)
                if not is_whole or known is None or known.digest != digest:
                    wanted.append((put, digest))
            await self._write(wanted, at, is_whole=is_whole)
        return [key for key in keys if key.namespace not in self.ending or key in self._known]

    async def delete(self, keys: Iterable[Key], *, at: str) -> int:
        """How many of ``keys`` were there and are not any more; ``at`` is when that was noticed. Raises: ``StoreError``."""
        count = 0
        for key in keys:
            entry = await self._store.get(key) if key in self._known else None
            if entry is not None and not _is_of_people(entry):
                try:
                    if key.plural == SCANS:
                        await self._end(entry, at)
                    await self._store.delete(key, entry.revision)
                    count += 1
                except ConflictError:
                    # Written by someone else meanwhile: it is not the one that was to go.
                    continue
            self._known.pop(key, None)
        self.deleted += count
        return count

    async def _write(self, wanted: Sequence[tuple[Put, bytes]], at: str, *, is_whole: bool) -> None:
        conflicts, is_first = 0, True
        while True:
            made: list[Put] = []
            histories: list[Put] = []
            for part in batches(wanted, _AT_A_TIME):
                # After a conflict it is not as it was known.
                before = await asyncio.gather(
                    *(self._before(put.key, is_known=is_first, is_whole=is_whole) for put, _ in part)
                )
                new = [_continued(put, old, at) for (put, _), old in zip(part, before, strict=True)]
                made += new
                found = await asyncio.gather(
                    *(
                        self._history(put, old, at, is_known=is_first)
                        for put, old in zip(new, before, strict=True)
                    )
                )
                histories += filter(None, found)
            if not made:
                return
            is_first = False
            try:
                # First the histories: should the store end between the two, they are not written a second time.
                entries = (await self._store.put_all((*histories, *made)))[len(histories) :]
            except ConflictError:
                conflicts += 1
                if conflicts == _ATTEMPTS:
                    raise
                continue
            except EndingError as error:
                self.ending.add(error.namespace)
                wanted = [one for one in wanted if one[0].key.namespace != error.namespace]
                continue
            self._with_history |= {put.key for put in histories}
            for put, entry, (_, digest) in zip(made, entries, wanted, strict=True):
                written = replace(entry, content=put.content)
                self._note(written, digest if is_whole else _digest(put.content))
            self.written += len(made)
            return

    async def _history(self, put: Put, before: "_Before", at: str, *, is_known: bool) -> Put | None:
        """The history of what ``put``, a scan, is about; ``None`` where it does not change."""
        if put.key.plural != SCANS:
            return None
        seen = states_of(orjson.loads(put.content.body)["spec"]["controls"])
        failed = {id for id, one in seen.items() if one.state == FAILED}
        if before.revision and failed == before.dates.keys() and _accepted(seen) == before.accepted:
            return None
        key = Key(HISTORIES, put.key.namespace, put.key.name)
        is_new = is_known and self._has_learnt and key not in self._with_history
        entry = None if is_new else await self._store.get(key)
        old = history_of(entry).spec if entry else None
        history = continued(old, Look(seen, at, self.by, {} if old else before.dates))
        if history is None:
            return None
        return history_put(put, history, entry.revision if entry else ABSENT)

    async def _end(self, result: Entry, at: str) -> None:
        key = Key(HISTORIES, result.key.namespace, result.key.name)
        entry = await self._store.get(key)
        old = history_of(entry).spec if entry else None
        history = ended(old, at, {} if old else _dates(result))
        if history:
            await put_lasting(self._store, [ended_put(entry, key, result, history)])

    async def _before(self, key: Key, *, is_known: bool, is_whole: bool) -> _Before:
        """Asks for nothing that is known: that would double the requests."""
        known = self._known.get(key)
        if is_known and is_whole and known is not None:
            dates = dict(zip(known.failed, known.dates, strict=True))
            return _Before(known.revision, dates, known.accepted)
        is_new = is_known and self._has_learnt and known is None
        entry = None if is_new else await self._store.get(key)
        if entry is None:
            return _Before()
        controls = _controls(entry)
        accepted = _accepted(states_of(controls))
        return _Before(entry.revision, _dates(entry), accepted, {} if is_whole else controls)

    def _note(self, entry: Entry, digest: bytes) -> None:
        labels = labels_of(entry.content.metadata)
        kind = kind_key(
            labels.get(f"{PREFIX}workload-api-group", ""), labels.get(f"{PREFIX}workload-kind", "")
        )
        kind = RBAC if f"{PREFIX}rbac-resource" in labels else sys.intern(kind)
        dates = _dates(entry)
        failed, since = self._one(tuple(dates)), self._one(tuple(dates.values()))
        accepted = self._one(_accepted(states_of(_controls(entry))) if entry.key.plural == SCANS else ())
        self._known[entry.key] = _Known(digest, kind, entry.revision, failed, since, accepted)

    def _one(self, part: tuple[str, ...]) -> tuple[str, ...]:
        return self._same.one(part, part)


def batches(source: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    parts = iter(source)
    while batch := list(islice(parts, size)):
        yield batch


def _continued(put: Put, before: _Before, at: str) -> Put:
    """``put`` with what continues from the version before it; the controls of that which it does not speak of stay."""
    body = orjson.loads(put.content.body)
    spec = body["spec"]
    for id, result in spec.get("controls", {}).items():
        if _is_failed(result):
            result[FIRST_SEEN] = before.dates.get(id, at)
    if before.controls:
        spec["controls"] = {**before.controls, **spec["controls"]}
        if "severities" in spec:
            spec["severities"] = _counts(spec["controls"], spec["severities"])
    content = Content(put.content.metadata, body=orjson.dumps(body))
    return Put(put.key, content, before.revision)


def _accepted(seen: Mapping[str, Seen]) -> tuple[str, ...]:
    return tuple(sorted(f"{id} {one.until}" for id, one in seen.items() if one.state == ACCEPTED))


def _dates(entry: Entry) -> dict[str, str]:
    """Since when each control that fails has done so; where that is not said, since the result was written."""
    dated = _timestamp(entry)
    return {
        sys.intern(id): sys.intern(str(result.get(FIRST_SEEN) or dated))
        for id, result in _controls(entry).items()
        if _is_failed(result)
    }


def _controls(entry: Entry) -> Body:
    return (orjson.loads(entry.content.body).get("spec") or {}).get("controls") or {}


def _is_failed(result: Mapping[str, Any]) -> bool:
    return (result.get("status") or {}).get("status") == "failed"


def _timestamp(entry: Entry) -> str:
    annotations = orjson.loads(entry.content.metadata).get("annotations") or {}
    return str(annotations.get(TIMESTAMP) or "")


def _counts(controls: Body, names: Iterable[str]) -> dict[str, int]:
    counts = dict.fromkeys(names, 0)
    for control in controls.values():
        severity = str(control["severity"]["severity"]).lower()
        if _is_failed(control) and severity in counts:
            counts[severity] += 1
    return counts


def _is_of_people(entry: Entry) -> bool:
    return labels_of(entry.content.metadata).get(f"{PREFIX}managed-by") == "User"


def _digest(content: Content) -> bytes:
    """Of what a scan says, without when it said so."""
    metadata = orjson.loads(content.metadata)
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k.startswith(PREFIX)}
    named = (metadata.get("annotations") or {}).get(OBJECT)
    spec = orjson.loads(content.body).get("spec") or {}
    controls = spec.get("controls") or {}
    for result in controls.values():
        if isinstance(result, dict):
            result.pop(FIRST_SEEN, None)
    whole = orjson.dumps([labels, named, spec], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(whole, digest_size=16).digest()
