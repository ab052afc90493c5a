"""What the store remembers of each image that runs: an ImageScan, with its result or the reason why there is none.

There is one for each digest, named after it, so that ``kubectl get imagescans`` shows what was scanned, what waits, and
why. A VulnerabilityManifest without matches would say the same as one of a clean image, and so none is written for an
image that was not scanned.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, cast, get_args

import msgspec
import orjson
from msgspec import UNSET, Struct
from msgspec.structs import replace

from leadline.api.kinds.images import Counted
from leadline.api.kinds.scans import AcceptedInImage, ImageScan, ImageScanState, NamedSource, RunningImage
from leadline.api.protocol import ABSENT, ConflictError, Content, Entry, Put, Store, pages_of
from leadline.api.selection import Key, Selection
from leadline.api.stored import Reader
from leadline.api.wire_type import Maybe
from leadline.errors import StoreError
from leadline.programs.operator.plan import NEVER, Phase, Record
from leadline.scans.stored.image_results import ImageCounts

IMAGE_SCANS = "imagescans"
MOST_NAMED_WORKLOADS = 50
"""The others are counted."""
LONGEST_REASON = 1_000
Body = dict[str, Any]


class ImageOfCluster(Struct, frozen=True):
    """An image that the cluster runs."""

    digest: str
    is_id: bool
    sources: tuple[NamedSource, ...]
    workloads: tuple[str, ...] = ()
    """``namespace/Kind/name: container``."""
    nodes: tuple[str, ...] = ()
    exposed_by: tuple[str, ...] = ()


class Result(Struct, frozen=True):
    """What was stored of an image."""

    counts: ImageCounts
    at: str
    """When, RFC 3339."""
    database: str = ""
    """When the database was built; empty where there was none."""
    seconds: float = 0.0
    accepted: AcceptedInImage = AcceptedInImage()


class Work(Struct, frozen=True):
    """All of one ImageScan."""

    record: Record
    image: ImageOfCluster
    result: Result | None = None
    revision: int = ABSENT


_read = Reader(ImageScan)


def scan_name(digest: str) -> str:
    """The whole digest: with a part of it, one image could be made to replace another."""
    return digest.replace(":", "-")


def put_of(work: Work) -> Put:
    """Conflicts where someone else has written it meanwhile."""
    image, result = work.image, work.result
    name = scan_name(image.digest)
    spec = RunningImage(
        image.digest,
        image.is_id or UNSET,
        image.sources or UNSET,
        image.workloads[:MOST_NAMED_WORKLOADS] or UNSET,
        len(image.workloads) or UNSET,
        image.nodes[:MOST_NAMED_WORKLOADS] or UNSET,
        image.exposed_by[:MOST_NAMED_WORKLOADS] or UNSET,
    )
    status = _status(work.record)
    counts = result.counts if result else ImageCounts("", "", "", False, Counted())
    status = replace(
        status,
        image=counts.name or (image.sources[0].name if image.sources else image.digest),
        image_id=counts.id,
        manifest=counts.manifest,
        is_matched=counts.is_matched,
        vulnerabilities=counts.counted,
        accepted=result.accepted if result else AcceptedInImage(),
        scanned_at=result.at if result else "",
        database_built_at=result.database if result else "",
        seconds=round(result.seconds, 2) if result else 0.0,
    )
    content = Content(orjson.dumps({"name": name}), body=msgspec.json.encode(ImageScan(spec, status)))
    return Put(Key(IMAGE_SCANS, "", name), content, work.revision)


def work_of(entry: Entry) -> Work | None:
    """``None`` for what is none of ours, or damaged: it is then made again."""
    try:
        whole = _read(entry)
    except StoreError:
        return None
    spec, status = whole.spec, whole.status
    if entry.key.name != scan_name(spec.digest) or status.phase not in get_args(Phase):
        return None
    image = ImageOfCluster(
        spec.digest,
        bool(spec.is_id),
        spec.sources or (),
        spec.used_by or (),
        spec.nodes or (),
        spec.exposed_by or (),
    )
    result = None
    if status.manifest:
        counts = ImageCounts(
            status.image or "",
            status.image_id or "",
            status.manifest,
            bool(status.is_matched),
            status.vulnerabilities or Counted(),
        )
        result = Result(
            counts,
            status.scanned_at or "",
            status.database_built_at or "",
            status.seconds or 0.0,
            status.accepted or AcceptedInImage(),
        )
    return Work(_record(spec.digest, status), image, result, entry.revision)


class WorkStore:
    """The ImageScans of a store, as they were last read or written."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.works: dict[str, Work] = {}
        """By digest."""

    async def load(self) -> None:
        """Raises: ``StoreError``."""
        works: dict[str, Work] = {}
        async for entries in pages_of(self.store, Selection(IMAGE_SCANS)):
            for entry in entries:
                work = work_of(entry)
                if work is not None:
                    works[work.image.digest] = work
                else:
                    await self._forget(entry.key)
        self.works = works

    async def write(self, work: Work) -> bool:
        """False where someone else was faster; what that one wrote is then known. Raises: ``StoreError``."""
        digest = work.image.digest
        try:
            entry = await self.store.put(put_of(work))
        except ConflictError:
            await self.read(digest)
            return False
        self.works[digest] = replace(work, revision=entry.revision)
        return True

    async def read(self, digest: str) -> Work | None:
        """As it is now. Raises: ``StoreError``."""
        entry = await self.store.get(Key(IMAGE_SCANS, "", scan_name(digest)))
        work = work_of(entry) if entry else None
        if work is None:
            self.works.pop(digest, None)
        else:
            self.works[digest] = work
        return work

    async def delete(self, digests: Iterable[str]) -> None:
        """Raises: ``StoreError``."""
        for digest in digests:
            await self._forget(Key(IMAGE_SCANS, "", scan_name(digest)))
            self.works.pop(digest, None)

    async def _forget(self, key: Key) -> None:
        try:
            await self.store.delete(key)
        except ConflictError:
            # It is gone already.
            return
        except StoreError:
            raise


def reasons(works: Sequence[Work]) -> dict[str, int]:
    """How many images there are in each phase."""
    found: dict[str, int] = {}
    for work in works:
        found[work.record.phase] = found.get(work.record.phase, 0) + 1
    return found


def _status(record: Record) -> ImageScanState:
    return ImageScanState(
        phase=record.phase,
        reason=record.why[:LONGEST_REASON],
        hint=record.hint[:LONGEST_REASON],
        registry=record.place,
        version=record.version,
        is_kept=record.is_kept,
        tries=record.tries,
        crashes=record.crashes,
        since=_text(record.since),
        started_at=_text(record.started),
        next_try="" if record.next_try == NEVER else _text(math.ceil(record.next_try)),
        is_final=record.next_try == NEVER,
        registry_free_at=_text(math.ceil(record.place_free_at)),
        held_by=record.holder,
        held_until=_text(math.ceil(record.held_until)),
        gone_since=_text(record.gone_since),
        circumstances=record.circumstances,
    )


def _record(key: str, status: ImageScanState) -> Record:
    return Record(
        key,
        _moment(status.since),
        phase=cast(Phase, status.phase),
        why=status.reason or "",
        hint=status.hint or "",
        version=status.version or "",
        is_kept=bool(status.is_kept),
        place=status.registry or "",
        circumstances=status.circumstances or "",
        tries=status.tries or 0,
        crashes=status.crashes or 0,
        next_try=NEVER if status.is_final else _moment(status.next_try),
        place_free_at=_moment(status.registry_free_at),
        started=_moment(status.started_at),
        holder=status.held_by or "",
        held_until=_moment(status.held_until),
        gone_since=_moment(status.gone_since),
    )


def _text(moment: float) -> str:
    """RFC 3339 in UTC; empty for 0."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def _moment(text: Maybe[str]) -> float:
    try:
        return datetime.fromisoformat(text).timestamp() if text else 0.0
    except ValueError:
        return 0.0
