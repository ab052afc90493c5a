"""The store that a command line names: the cluster's (``kube``), or a file. Results are written there, and read back."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from leadline.api.protocol import Store
from leadline.errors import StoreError
from leadline.model.images_report import ImagesReport
from leadline.model.report import PostureReport
from leadline.outputs.text.plain import count, plain
from leadline.programs.cli.options.table import Request, passed
from leadline.programs.cli.output.terminal import progress, say_plainly
from leadline.scans.access.to_admin import admins_of
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import PostureScan
from leadline.scans.stored.opening import missing_store
from leadline.scans.stored.risks import with_risks
from leadline.scans.stored.store_images import store_images
from leadline.scans.stored.store_posture import Stored, StoreOptions, store_posture
from leadline.scans.stored.stored_posture import stored_posture, stored_risks
from leadline.scans.stored.workload_images import WorkloadImages, read_images

KUBE = "kube"
T = TypeVar("T")


class StorePlace(Struct, frozen=True):
    where: str
    """``kube``, or the path of a file."""
    kube_context: str = ""
    kubeconfig: str = ""


def with_store(
    place: StorePlace, work: Callable[[Store], Coroutine[Any, Any, T]], *, is_new: bool = False
) -> T:
    """What ``work`` returns; ``is_new`` lets it make a file that is not there.

    Raises: ``SourceError``, ``StoreError``, ``ClusterError``.
    """

    async def opened() -> T:
        async with open_store(place, is_new=is_new) as store:
            return await work(store)

    return asyncio.run(opened())


def store_report(request: Request, scan: PostureScan) -> Stored:
    """What was written, and what was collected after a scan of everything; ranks are among it where all controls were asked.

    Raises: ``StoreError``, ``ClusterError``.
    """
    admins = admins_of(scan.report_with_bodies) if is_full(request) else None
    options = StoreOptions(home=request.store_namespace, is_full=is_full(request), admins=admins)
    is_ranked = request.form == "everything" and not request.exclude_controls and bool(scan.report.findings)

    async def write(store: Store) -> Stored:
        report = scan.report
        if is_ranked:
            images = WorkloadImages()
            await read_images(store, images)
            report = with_risks(report, scan.report_with_bodies, images)
        return await store_posture(store, report, options)

    with progress(f"storing into {request.store}", is_wanted=not request.quiet):
        return with_store(place_of(request, request.store), write, is_new=True)


def read_report(request: Request, options: PostureOptions) -> PostureReport:
    """The stored results, narrowed as ``request`` says.

    Raises: ``UsageError``, ``SourceError``, ``StoreError``, ``ClusterError``.
    """
    return with_store(place_of(request, request.from_store), lambda store: stored_posture(store, options))


def read_risks(request: Request, options: PostureOptions) -> PostureReport:
    """The stored ranks of workloads. Raises: ``SourceError``, ``StoreError``, ``ClusterError``."""
    with progress(f"reading {request.from_store}", is_wanted=not request.quiet):
        return with_store(place_of(request, request.from_store), lambda store: stored_risks(store, options))


def keep_images(request: Request, report: ImagesReport) -> None:
    """Stores, and says what was stored. Raises: ``StoreError``, also where part of it was not taken."""
    is_full = request.from_cluster and not (request.include_namespaces or request.exclude_namespaces)
    home = request.store_namespace
    with progress(f"storing into {request.store}", is_wanted=not request.quiet):
        stored = with_store(
            place_of(request, request.store),
            lambda store: store_images(store, report, home=home, is_full=is_full),
            is_new=True,
        )
    if not request.quiet:
        gone = f", {stored.collected} of vanished images deleted" if stored.collected else ""
        sys.stderr.write(f"results of {count(stored.images, 'image')} stored as {stored.run}{gone}\n")
    if stored.failed:
        first = stored.failed[0]
        raise StoreError(
            f"{count(len(stored.failed), 'image')} not stored, the first {plain(first.where)}: {plain(first.why)}"
        )


def place_of(request: Request, where: str) -> StorePlace:
    return passed(StorePlace, request, where=where)


def is_full(request: Request) -> bool:
    """Whether the scan looked at the whole cluster with every control: only then what it has not seen is gone."""
    narrowed = (
        request.targets,
        request.include_namespaces,
        request.exclude_namespaces,
        request.exclude_controls,
    )
    return request.form == "everything" and not any(narrowed)


@asynccontextmanager
async def open_store(place: StorePlace, *, is_new: bool = False) -> AsyncIterator[Store]:
    """As ``with_store``, within an event loop."""
    if place.where == KUBE:
        # Each carrier brings libraries that the other does without.
        from leadline.api.carriers.remote import RemoteStore
        from leadline.sources.cluster.connection import async_client

        store: Store = RemoteStore(
            async_client(place.kube_context, place.kubeconfig, environ=os.environ, said=say_plainly)
        )
    else:
        from leadline.api.carriers.local import LocalStore

        path = Path(place.where)
        if not is_new and not path.is_file():
            raise missing_store(path, "'leadline scan --store FILE' makes one")
        store = LocalStore(path)
    try:
        yield store
    finally:
        await store.close()
