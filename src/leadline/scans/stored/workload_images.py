"""What is stored of the images of each workload, for its rank: read from the summaries of its containers, without bodies."""

from collections.abc import AsyncIterator, Iterable

import orjson
from msgspec import Struct

from leadline.api.kind import PREFIX
from leadline.api.posture_results import label_value
from leadline.api.protocol import DELETED, Entry, Paging, Store
from leadline.api.selection import Key, Selection
from leadline.model.resource import Resource
from leadline.model.risk import ImageFacts
from leadline.scans.stored.image_results import SUMMARIES, stored_counts

Owner = tuple[str, str, str]
"""Namespace, kind and name of a workload, as labels say them."""
_LABELS = ("workload-namespace", "workload-kind", "workload-name")


class _Container(Struct, frozen=True):
    owner: Owner
    grave: dict[str, str]
    """As in the counts of its image."""


class WorkloadImages:
    """Not to be used from several threads at once."""

    def __init__(self) -> None:
        self._containers: dict[Key, _Container] = {}
        self._of: dict[Owner, set[Key]] = {}

    def facts_of(self, workload: Resource) -> ImageFacts | None:
        """``None`` where none of its images was matched with a database."""
        keys = self._of.get(owner_of(workload))
        if not keys:
            return None
        grave: dict[str, set[str]] = {}
        for key in keys:
            for id, letters in self._containers[key].grave.items():
                grave.setdefault(id, set()).update(letters)
        said = grave.values()
        return ImageFacts(
            exploited=sum("x" in one for one in said),
            critical=sum("x" not in one for one in said),
            loaded_exploited=sum("l" in one for one in said),
            fixable=sum("f" in one for one in said),
        )

    def take(self, entry: Entry, *, is_gone: bool = False) -> set[Owner]:
        """The workloads whose facts are others now."""
        before, now = self._containers.get(entry.key), None if is_gone else _container(entry)
        if before == now:
            return set()
        if before is not None:
            of = self._of[before.owner]
            of.discard(entry.key)
            if not of:
                del self._of[before.owner]
            del self._containers[entry.key]
        if now is not None:
            self._containers[entry.key] = now
            self._of.setdefault(now.owner, set()).add(entry.key)
        return {one.owner for one in (before, now) if one is not None}

    def difference(self, other: "WorkloadImages") -> set[Owner]:
        """The workloads of which the two say something else."""
        keys = self._containers.keys() | other._containers.keys()
        pairs = [(self._containers.get(key), other._containers.get(key)) for key in keys]
        return {one.owner for pair in pairs if pair[0] != pair[1] for one in pair if one is not None}


def owner_of(workload: Resource) -> Owner:
    return (label_value(workload.namespace), label_value(workload.kind), label_value(workload.name))


async def read_images(store: Store, images: WorkloadImages) -> int:
    """Takes all that is stored; the revision that a watch goes on from. Raises: ``StoreError``."""
    token, is_first, revision = "", True, 0
    while token or is_first:
        page = await store.list(Selection(SUMMARIES, with_body=False), Paging(token))
        token, is_first, revision = page.token, False, page.revision
        for entry in page.entries:
            images.take(entry)
    return revision


async def image_changes(store: Store, since: int) -> AsyncIterator[Iterable[tuple[Entry, bool]]]:
    """Summaries that are written, and whether they are gone. Raises: ``StoreError``."""
    async for changes in store.watch(Selection(SUMMARIES, with_body=False), since):
        if changes.events:
            yield [(event.entry, event.type == DELETED) for event in changes.events]


def _container(entry: Entry) -> _Container | None:
    metadata = orjson.loads(entry.content.metadata)
    counts = stored_counts("", metadata.get("annotations") or {})
    if counts is None or not counts.is_matched:
        return None
    labels = metadata.get("labels") or {}
    namespace, kind, name = (str(labels.get(f"{PREFIX}{one}", "")) for one in _LABELS)
    return _Container((namespace, kind, name), counts.counted.grave)
