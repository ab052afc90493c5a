"""Writes results into a store where they differ from what is there, with the dates on which failures were first seen."""

import asyncio
import hashlib
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import orjson

from leadline.kube.kinds import kind_key
from leadline.kube.rbac import RBAC_KINDS
from leadline.outputs.store.posture_results import OBJECT, PREFIX, SCANS, SUMMARIES
from leadline.outputs.store.protocol import ABSENT, ConflictError, Content, Entry, Paging, Put, Store
from leadline.outputs.store.selection import Key, Selection, labels_of

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


class ResultWriter:
    """Knows a digest of every posture result in a store. It is the only one that writes them meanwhile."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Key, bytes] = {}
        """Without those that people manage."""
        self._kinds: dict[Key, str] = {}
        """The kind of the object that a result is about; ``RBAC`` where it was joined from roles and bindings."""
        self._has_learnt = False
        self.written = 0
        self.deleted = 0

    @property
    def keys(self) -> Iterable[Key]:
        """Of every result that is there and is not managed by people."""
        return self._known.keys()

    async def learn(self) -> None:
        """Reads what is there. Raises: ``StoreError``."""
        self._known.clear()
        self._kinds.clear()
        for plural in (SCANS, SUMMARIES):
            token, is_first = "", True
            while token or is_first:
                page = await self._store.list(Selection(plural), Paging(token, limit=LEARNT))
                token, is_first = page.token, False
                for entry in page.entries:
                    if not _is_of_people(entry):
                        self._note(entry.key, entry.content)
        self._has_learnt = True

    def beyond(self, there: Collection[Key], unread_kinds: Collection[str]) -> list[Key]:
        """The keys of results about what is there no more, ``there`` being all that is.

        What ``unread_kinds`` are is not known to be gone.
        """
        kept = {*unread_kinds, *({RBAC} if any(kind in unread_kinds for kind in RBAC_KINDS) else ())}
        return [key for key in self._known if key not in there and self._kinds[key] not in kept]

    async def write(self, puts: Iterable[Put], *, at: str, is_whole: bool = True) -> list[Key]:
        """The keys of ``puts``; those that are there already are not written again.

        ``at`` is the moment of the scan. Where ``is_whole`` is false, the results of controls that ``puts`` do not
        speak of stay. Raises: ``StoreError``.
        """
        keys: list[Key] = []
        for batch in batches(puts, BATCH):
            keys += (put.key for put in batch)
            wanted = [
                put for put in batch if not is_whole or self._known.get(put.key) != _digest(put.content)
            ]
            await self._write(wanted, at, is_whole=is_whole)
        return keys

    async def delete(self, keys: Iterable[Key]) -> int:
        """How many of ``keys`` were there and are not any more. Raises: ``StoreError``."""
        count = 0
        for key in keys:
            entry = await self._store.get(key) if key in self._known else None
            if entry is not None and not _is_of_people(entry):
                try:
                    await self._store.delete(key, entry.revision)
                    count += 1
                except ConflictError:
                    # Written by someone else meanwhile: it is not the one that was to go.
                    continue
            self._known.pop(key, None)
            self._kinds.pop(key, None)
        self.deleted += count
        return count

    async def _write(self, puts: Sequence[Put], at: str, *, is_whole: bool) -> None:
        left = list(puts)
        for attempt in range(_ATTEMPTS):
            made = []
            for part in batches(left, _AT_A_TIME):
                # What was not there when all was read is new: asking for it would double the requests.
                is_new = self._has_learnt and attempt == 0
                old = await asyncio.gather(*(self._old(put.key, is_new=is_new) for put in part))
                made += [_continued(put, entry, at, is_whole) for put, entry in zip(part, old, strict=True)]
            if not made:
                return
            try:
                await self._store.put_all(made)
            except ConflictError:
                if attempt + 1 == _ATTEMPTS:
                    raise
                continue
            for put in made:
                self._note(put.key, put.content)
            self.written += len(made)
            return

    async def _old(self, key: Key, *, is_new: bool) -> Entry | None:
        return None if is_new and key not in self._known else await self._store.get(key)

    def _note(self, key: Key, content: Content) -> None:
        labels = labels_of(content.metadata)
        kind = kind_key(
            labels.get(f"{PREFIX}workload-api-group", ""), labels.get(f"{PREFIX}workload-kind", "")
        )
        self._known[key] = _digest(content)
        self._kinds[key] = RBAC if f"{PREFIX}rbac-resource" in labels else sys.intern(kind)


def batches(source: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    parts = iter(source)
    while batch := list(islice(parts, size)):
        yield batch


def _continued(put: Put, old: Entry | None, at: str, is_whole: bool) -> Put:
    """``put`` with what goes on from the version before it."""
    body = orjson.loads(put.content.body)
    spec = body["spec"]
    before: Body = {}
    if old is not None:
        before = (orjson.loads(old.content.body).get("spec") or {}).get("controls") or {}
    dated = _timestamp(old) if old is not None else at
    for id, result in spec["controls"].items():
        if _is_failed(result):
            known = before.get(id) or {}
            result[FIRST_SEEN] = (known.get(FIRST_SEEN) or dated) if _is_failed(known) else at
    if not is_whole:
        spec["controls"] = {**before, **spec["controls"]}
        if "severities" in spec:
            spec["severities"] = _counts(spec["controls"], spec["severities"])
    content = Content(put.content.metadata, body=orjson.dumps(body))
    return Put(put.key, content, old.revision if old is not None else ABSENT)


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
