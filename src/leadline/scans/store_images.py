"""Writes image reports into a store, and collects those of images and containers that no longer run."""

from collections.abc import Iterable, Set
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from leadline.model.image_report import ImageReport
from leadline.outputs.store.image_results import (
    MANIFESTS,
    SUMMARIES,
    RunningContainer,
    Scanned,
    image_puts,
    summary_name,
)
from leadline.outputs.store.posture_results import PREFIX
from leadline.outputs.store.protocol import ConflictError, Paging, Store
from leadline.outputs.store.selection import Key, Selection

DEFAULT_HOME = "leadline"


class _Metadata(Struct):
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


_decode = msgspec.json.Decoder(_Metadata).decode


async def store_image(
    store: Store,
    report: ImageReport,
    containers: Iterable[RunningContainer] = (),
    *,
    home: str = DEFAULT_HOME,
) -> int:
    """How many objects were written; each replaces the one of an older scan. Raises: ``StoreError``."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return len(await store.put_all(image_puts(report, Scanned(home, at), containers)))


async def collect_images(
    store: Store, running: Set[str], containers: Iterable[RunningContainer], *, home: str = DEFAULT_HOME
) -> int:
    """Deletes manifests of images whose id is not ``running``, and summaries of containers that are not there.

    Both must be the whole truth about the cluster. What people manage stays. Raises: ``StoreError``.
    """
    there = {Key(SUMMARIES, container.namespace, summary_name(container)) for container in containers}
    count = 0
    for selection in (Selection(MANIFESTS, home, with_body=False), Selection(SUMMARIES, with_body=False)):
        token, is_first = "", True
        while token or is_first:
            page = await store.list(selection, Paging(token))
            token, is_first = page.token, False
            for entry in page.entries:
                metadata = _decode(entry.content.metadata)
                image = metadata.annotations.get(f"{PREFIX}image-id", "")
                is_used = image in running if entry.key.plural == MANIFESTS else entry.key in there
                if is_used or metadata.labels.get(f"{PREFIX}managed-by") == "User":
                    continue
                try:
                    await store.delete(entry.key, entry.revision)
                except ConflictError:
                    # Someone has just written it: it is in use.
                    continue
                count += 1
    return count
