"""Kinds that are worked out of stored ones when they are asked for: nothing of them is stored.

A view reads and is watched as a store is. What it shows of one stored object, its source, is named ``<source>.<rest>``.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Protocol

import msgspec
import orjson
from msgspec import Struct
from msgspec.structs import replace

from leadline.api.kind import OUR_GROUP, PREFIX, at
from leadline.api.protocol import (
    ADDED,
    DELETED,
    MODIFIED,
    Changes,
    Content,
    Entry,
    Event,
    Page,
    Paging,
    Store,
    read_token,
    write_token,
)
from leadline.api.selection import Key, Requirement, Selection
from leadline.programs.apiserver.encoding import wire
from leadline.programs.apiserver.encoding.forms import Served

SEVERITY = f"{OUR_GROUP}/severity"
"""Label. Its values are written as the column shows them; selectors may write them in any case."""
_SOURCES_AT_A_TIME = 50
Body = dict[str, Any]


class Shape(Protocol):
    """What a view shows of its source."""

    @property
    def source(self) -> str:
        """Plural of the stored kind."""

    @property
    def is_referring(self) -> bool:
        """Whether other objects than the source are shown, so that their changes matter."""

    def refers_to(self, source: Entry) -> Key | None:
        """The other object that is shown."""

    async def entries(self, store: Store, served: Served, source: Entry) -> Iterable[Entry]:
        """In any order; each of them named for its source."""


class _Shown(Struct, frozen=True):
    refers_to: Key | None
    hashes: dict[Key, int]


class View:
    def __init__(self, store: Store, served: Served, shape: Shape, turn: asyncio.Lock) -> None:
        """``turn`` is one for all views: what one source shows is worked out at a time, and whatever else waits is done between."""
        self._store = store
        self._served = served
        self._shape = shape
        self._turn = turn

    @property
    def revision(self) -> int:
        return self._store.revision

    async def get(self, key: Key) -> Entry | None:
        source = await self._store.get(Key(self._shape.source, key.namespace, key.name.rpartition(".")[0]))
        if source is None:
            return None
        return next((entry for entry in await self._entries(source) if entry.key == key), None)

    async def list(self, selection: Selection, paging: Paging) -> Page:
        """As the store's; ``paging.max_bytes`` bounds the sources that are read at a time."""
        revision, *after = read_token(paging.token) or (self._store.revision, "", "")
        namespace, name = str(after[0]), str(after[1])
        begun = (namespace, name.rpartition(".")[0])
        token = write_token((revision, namespace, _just_before(begun[1])))
        selection = _in_case(selection)
        sources = Selection(self._shape.source, selection.namespace)
        found: list[Entry] = []
        while token:
            page = await self._store.list(sources, Paging(token, _SOURCES_AT_A_TIME, paging.max_bytes))
            token = page.token
            for source in page.entries:
                for entry in await self._entries(source):
                    if (source.key.namespace, source.key.name) == begun and entry.key.name <= name:
                        continue
                    if not _is_wanted(entry, selection):
                        continue
                    if len(found) >= paging.limit:
                        last = found[-1].key
                        return Page(
                            tuple(found), revision, write_token((revision, last.namespace, last.name))
                        )
                    found.append(entry)
        return Page(tuple(found), revision, "")

    async def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        """As the store's. Of each thing shown its name and a hash are held, to know what a change of its source changed."""
        selection = _in_case(selection)
        shape = self._shape
        sources = Selection(shape.source, selection.namespace)
        shown: dict[Key, _Shown] = {}
        token = write_token((since, "", ""))
        while token:
            page = await self._store.list(sources, Paging(token, _SOURCES_AT_A_TIME))
            token = page.token
            for source in page.entries:
                now = await self._wanted(source, selection)
                shown[source.key] = _Shown(shape.refers_to(source), _hashes(now))
        followed = Selection(with_body=False) if shape.is_referring else replace(sources, with_body=False)
        async for changes in self._store.watch(followed, since):
            touched: dict[Key, None] = {}
            for event in changes.events:
                key = event.entry.key
                if key.plural == shape.source and sources.covers(key):
                    touched[key] = None
                elif shape.is_referring:
                    touched |= dict.fromkeys(one for one, its in shown.items() if its.refers_to == key)
            events: list[Event] = []
            for key in touched:
                source_now = await self._store.get(key)
                now = await self._wanted(source_now, selection) if source_now else {}
                before = shown.pop(key, _Shown(None, {})).hashes
                hashes = _hashes(now)
                if source_now:
                    shown[key] = _Shown(shape.refers_to(source_now), hashes)
                events += [Event(DELETED, _gone(one, changes.revision)) for one in before.keys() - now.keys()]
                for one, entry in now.items():
                    if before.get(one) != hashes[one]:
                        events.append(Event(MODIFIED if one in before else ADDED, entry))
            yield Changes(tuple(events), changes.revision)

    async def _entries(self, source: Entry) -> tuple[Entry, ...]:
        """In the order of their names."""
        async with self._turn:
            await asyncio.sleep(0)
            found = await self._shape.entries(self._store, self._served, source)
        return tuple(sorted(found, key=lambda entry: entry.key.name))

    async def _wanted(self, source: Entry, selection: Selection) -> dict[Key, Entry]:
        return {entry.key: entry for entry in await self._entries(source) if _is_wanted(entry, selection)}


class Found(Struct, frozen=True):
    """One thing that a view shows of its source."""

    sort: str
    """``control`` or ``vulnerability``: the label that has its id."""
    id: str
    rest: str
    """Of its name, behind the source's."""
    severity: str
    state: str
    spec: Any


def entry_of(served: Served, source: Entry, of_source: Body, found: Found) -> Entry:
    """``found`` as an object of its kind; ``of_source`` is the metadata of the source."""
    kind = served.kind
    key = Key(kind.plural, source.key.namespace, f"{source.key.name}.{found.rest}")
    metadata = {
        "name": key.name,
        "namespace": key.namespace,
        "uid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{of_source.get('uid')}{found.id}")),
        "creationTimestamp": at(of_source, "annotations", f"{PREFIX}timestamp")
        or of_source.get("creationTimestamp"),
        "labels": {
            **(of_source.get("labels") or {}),
            SEVERITY: found.severity,
            f"{OUR_GROUP}/{found.sort}": found.id,
            f"{OUR_GROUP}/state": found.state,
        },
    }
    spec = msgspec.to_builtins(found.spec)
    whole = {"kind": kind.name, "apiVersion": kind.api_version, "metadata": metadata, "spec": spec}
    content = wire.content_of(served, whole)
    return Entry(key, source.revision, content)


def _hashes(entries: Mapping[Key, Entry]) -> dict[Key, int]:
    return {key: _hash(entry) for key, entry in entries.items()}


def _gone(key: Key, revision: int) -> Entry:
    """All that is left of it is its name."""
    metadata = {"name": key.name, "namespace": key.namespace}
    return Entry(key, revision, Content(orjson.dumps(metadata), b"[]", b'{"spec":{}}'))


def _hash(entry: Entry) -> int:
    """Another where what it says is another; the moment of the scan is not part of that."""
    labels = orjson.loads(entry.content.metadata).get("labels") or {}
    return hash((entry.content.body, tuple(sorted(labels.items()))))


def _is_wanted(entry: Entry, selection: Selection) -> bool:
    return selection.covers(entry.key) and selection.matches_labels(entry.content.metadata)


def _in_case(selection: Selection) -> Selection:
    labels = tuple(
        Requirement(one.key, one.operator, frozenset(value.capitalize() for value in one.values))
        if one.key == SEVERITY
        else one
        for one in selection.labels
    )
    return replace(selection, labels=labels)


def _just_before(name: str) -> str:
    """What a list starts after so that ``name`` is its first. No name has the last character in it."""
    return f"{name[:-1]}{chr(ord(name[-1]) - 1)}\U0010ffff" if name else ""
