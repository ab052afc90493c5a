"""Writes image reports into a store, and collects those of images and containers that no longer run."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from leadline.api.kind import PREFIX
from leadline.api.kinds.scans import ScanCoverage, ScanOrder, ScanOutcome, ScanRules, ScanRun, ScanTarget
from leadline.api.protocol import ConflictError, Paging, Store, pages_of
from leadline.api.selection import Key, Selection
from leadline.api.stored import metadata_of
from leadline.errors import StoreError
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ImageUse, ScannedImage
from leadline.model.unread import Unread
from leadline.model.vulnerability import Suppressed
from leadline.scans.stored.history.vulnerabilities import container_gone, look_of, recorded
from leadline.scans.stored.image_results import (
    MANIFESTS,
    SBOMS,
    SUMMARIES,
    VEX,
    RunningContainer,
    Scanned,
    counts_of,
    image_puts,
    manifest_name,
    other_manifest_name,
    summary_name,
    summary_names,
    summary_puts,
)
from leadline.scans.stored.lasting import put_lasting
from leadline.scans.stored.scan_runs import (
    forget_old_runs,
    image_counts,
    moment,
    record,
    run_name,
    unread_places,
)
from leadline.version import __version__

DEFAULT_HOME = "leadline"
_OF_IMAGES = (SBOMS, MANIFESTS, VEX)
_GRADES = ("critical", "high", "medium", "low", "unknown")
Body = dict[str, Any]


class StoredImages(Struct, frozen=True):
    run: str
    """Name of the ScanRun."""
    images: int
    collected: int
    failed: tuple[Unread, ...] = ()
    """Images whose results the store did not take."""


async def store_images(
    store: Store, report: ImagesReport, *, home: str = DEFAULT_HOME, is_full: bool = False
) -> StoredImages:
    """One image's results that the store does not take cost no other's.

    ``is_full``: ``report`` is about all that a cluster runs; then what is not in it is gone, unless something could
    not be read. Raises: ``StoreError`` where the store takes nothing at all.
    """
    started = moment()
    run = run_name("images", started)
    await record(store, run, _run(report, (started, "Running"), ()))
    failed: list[Unread] = []
    running = [_views(scanned) for scanned in report.images]
    containers = [one for views in running for its in views.values() for one in its]
    names = summary_names(containers)
    for scanned, views in zip(report.images, running, strict=True):
        try:
            await store_image(store, scanned.report, views.pop("", []), home=home, names=names)
            for resource, its in views.items():
                await _store_view(store, _seen_by(scanned, resource), its, home=home, names=names)
        except StoreError as error:
            failed.append(Unread(scanned.names[0], f"not stored: {error.args[0]}", reason="incomplete"))
    is_whole = is_full and not report.failed and not report.unread and not failed
    collected = 0
    if is_whole and report.images:
        ids = {scanned.report.sbom.image.id for scanned in report.images}
        collected = await collect_images(store, ids, containers, home=home)
    phase = "Failed" if failed or not report.images else "Succeeded"
    await record(store, run, _run(report, (started, phase), failed))
    await forget_old_runs(store, run)
    return StoredImages(run, len(report.images) - len(failed), collected, tuple(failed))


def _views(image: ScannedImage) -> dict[str, list[RunningContainer]]:
    """Its containers, by the id of the object where that accepts more than all that run it do, else by nothing."""
    found: dict[str, list[RunningContainer]] = {}
    for use in image.uses:
        if container := _container(use):
            view = use.resource if use.resource in image.accepted_by else ""
            found.setdefault(view, []).append(container)
    return found


def _seen_by(image: ScannedImage, resource: str) -> ImageReport:
    """The report without what the object ``resource`` accepts."""
    accepted, report = set(image.accepted_by[resource]), image.report
    hidden = (Suppressed(report.vulnerabilities[i], "waiver", "by some alone") for i in sorted(accepted))
    return replace(
        report,
        vulnerabilities=tuple(one for i, one in enumerate(report.vulnerabilities) if i not in accepted),
        suppressed=(*report.suppressed, *hidden),
    )


async def _store_view(
    store: Store,
    seen: ImageReport,
    containers: Sequence[RunningContainer],
    *,
    home: str,
    names: Mapping[RunningContainer, str],
) -> None:
    """The summaries of ``containers``; the manifest is that of the whole image."""
    image = counts_of(seen, await manifest_place(store, seen, home))
    at = moment()
    await put_lasting(store, summary_puts(image, Scanned(home, at), containers, names))
    await _go_on(store, seen, containers, names, at)


def _container(use: ImageUse) -> RunningContainer | None:
    """``None`` for what is in no namespace, or is not a container."""
    namespace, _, rest = use.title.partition("/")
    kind, _, name = rest.partition("/")
    return RunningContainer(kind, name, namespace, use.container) if name and use.container else None


def _run(report: ImagesReport, outcome: tuple[str, str], failed: Sequence[Unread]) -> ScanRun:
    started, phase = outcome
    unread = [*(one.unread for one in report.failed), *report.unread, *failed]
    counts: Counter[str] = Counter()
    for scanned in report.images:
        counts.update(match.severity for match in scanned.report.vulnerabilities)
    databases = [scanned.report.database for scanned in report.images if scanned.report.database]
    target = report.target
    message = (
        f"{len(failed)} images were not stored" if failed else "" if report.images else "no image was read"
    )
    named = target.name if target else ", ".join(one.names[0] for one in report.images[:3])
    order = ScanOrder(
        ScanTarget(target.kind if target else "images", named),
        "command",
        "images",
        tool=ScanRules("leadline", __version__),
        database_built_at=databases[0].built if databases else UNSET,
    )
    status = ScanOutcome(
        phase,
        started,
        "" if phase == "Running" else moment(),
        message if phase == "Failed" else "",
        ScanCoverage(
            report.objects,
            images=len(report.images),
            unread=len(unread),
            unread_places=unread_places(unread),
        ),
        image_counts(counts),
        sum(one.by == "waiver" for each in report.images for one in each.report.suppressed),
    )
    return ScanRun(order, status)


async def store_image(
    store: Store,
    report: ImageReport,
    containers: Sequence[RunningContainer] = (),
    *,
    home: str = DEFAULT_HOME,
    names: Mapping[RunningContainer, str] | None = None,
) -> int:
    """How many objects were written; each replaces the one of an older scan. Raises: ``StoreError``.

    ``names`` are those of ``summary_names`` where more containers are stored than these.
    """
    name = await manifest_place(store, report, home)
    called = summary_names(containers) if names is None else names
    at = moment()
    puts = image_puts(report, Scanned(home, at), containers, name, called)
    written = await put_lasting(store, puts, home=home)
    await _go_on(store, report, containers, called, at)
    return written


async def _go_on(
    store: Store,
    report: ImageReport,
    containers: Iterable[RunningContainer],
    names: Mapping[RunningContainer, str],
    at: str,
) -> None:
    """With the histories of ``containers``."""
    look = look_of(report, at)
    for one in containers if look else ():
        if look:
            await recorded(store, one, names.get(one) or summary_name(one), look)


async def manifest_place(store: Store, report: ImageReport, home: str) -> str:
    """What the results of the image are called: as existing clients work it out, unless another image's are there.

    Of an image's id six digits count there: anyone who pushes images soon finds one whose name is that of another.
    Raises: ``StoreError``.
    """
    usual, other, id = manifest_name(report), other_manifest_name(report), report.sbom.image.id
    holders = {name: await _holder(store, Key(MANIFESTS, home, name)) for name in (usual, other)}
    return other if (id and holders[other] == id) or holders[usual] not in ("", id) else usual


async def _holder(store: Store, key: Key) -> str:
    """The id of the image whose results are there; empty where nothing says so."""
    found = Selection(key.plural, key.namespace, key.name, with_body=False)
    for entry in (await store.list(found, Paging(limit=1))).entries:
        return metadata_of(entry).annotations.get(f"{PREFIX}image-id", "")
    return ""


async def collect_images(
    store: Store,
    running: Set[str],
    containers: Iterable[RunningContainer],
    *,
    home: str = DEFAULT_HOME,
    keeps: Callable[[Mapping[str, str]], bool] = lambda annotations: False,
) -> int:
    """Deletes what is stored of images whose id is not ``running``, and summaries of containers that are not there.

    Both must be the whole truth about the cluster. What people manage stays, and of images what ``keeps`` says by the
    annotations of a result. Raises: ``StoreError``.
    """
    there = {Key(SUMMARIES, one.namespace, name) for one, name in summary_names(containers).items()}
    count = 0
    of_images = (Selection(plural, home, with_body=False) for plural in _OF_IMAGES)
    for selection in (*of_images, Selection(SUMMARIES, with_body=False)):
        async for entries in pages_of(store, selection):
            for entry in entries:
                metadata = metadata_of(entry)
                image = metadata.annotations.get(f"{PREFIX}image-id", "")
                is_summary = entry.key.plural == SUMMARIES
                is_used = (
                    entry.key in there if is_summary else image in running or keeps(metadata.annotations)
                )
                if is_used or metadata.labels.get(f"{PREFIX}managed-by") == "User":
                    continue
                try:
                    await store.delete(entry.key, entry.revision)
                except ConflictError:
                    # Someone has just written it: it is in use.
                    continue
                if is_summary:
                    await container_gone(store, entry.key.namespace, entry.key.name, moment())
                count += 1
    return count
