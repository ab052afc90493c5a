"""The half of the operator that looks at images: what the watch shows goes to the keeper, and orders as well.

The run ``images-current`` says how far it is, as long as it continues: how many images there are, how many have a result,
and of the others why.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import UNSET
from msgspec.structs import replace

from leadline.api.kinds.scans import ScanCoverage, ScanOrder, ScanOutcome, ScanRules, ScanRun, ScanTarget
from leadline.api.protocol import Store
from leadline.errors import StoreError
from leadline.model.unread import Unread, UnreadReason
from leadline.model.waiver import Waiver
from leadline.programs.operator.dispatch import ChildScanner
from leadline.programs.operator.images.jobs import ImageSettings, Place
from leadline.programs.operator.images.keeper import Cluster, ImageKeeper
from leadline.programs.operator.images.used import InUse, UsedImages
from leadline.programs.operator.plan import Phase
from leadline.programs.operator.runs import IMAGES, Orders
from leadline.programs.operator.waiver_objects import ExceptionStatus
from leadline.programs.operator.watch import RunningImages
from leadline.programs.operator.work_state import Work
from leadline.programs.serving.chores import first_of
from leadline.programs.serving.kube import Kube
from leadline.scans.stored.scan_runs import (
    FOLLOWING,
    forget_old_runs,
    image_counts,
    moment,
    record,
    unread_places,
)
from leadline.scans.waivers.image_acceptance import ImageWaivers
from leadline.scans.waivers.waiving import in_namespaces, labels_of_namespaces, waivers_of_objects
from leadline.version import __version__

log = logging.getLogger(__name__)
CURRENT = "images-current"
SETTLE_S = 1.0
"""A rollout is many changes."""
SEEN_S = 300.0
"""So often it is said that images are followed, whatever happens."""
TELL_S = 10.0
"""So often at most the run that continues is written, when something changed."""
_GRADES = ("critical", "high", "medium", "low", "unknown")
_REASONS: Mapping[Phase, UnreadReason] = {
    "Unauthorized": "forbidden",
    "TooLarge": "too large",
    "Failed": "unreachable",
}


class Images:
    def __init__(
        self,
        store: Store,
        running: RunningImages,
        orders: Orders,
        place: Place,
        *,
        cluster_name: str,
        accepting: "Accepting | None" = None,
    ) -> None:
        self._store = store
        self._running = running
        self._orders = orders
        self._place = place
        self._cluster_name = cluster_name
        self._accepting = accepting
        self._started = moment()
        self._answering: dict[str, str] = {}
        """Orders that are under way: the name of each run, and what asked for it."""

    async def run(self, settings: ImageSettings, kube: Kube) -> None:
        """Until it is cancelled. Raises: ``UsageError`` for settings that cannot be used."""
        used = UsedImages(self._cluster_name)
        running = self._running
        accepting = self._accepting or Accepting((), ExceptionStatus(None), is_of_target=False)
        keeper = ImageKeeper(
            self._store,
            Cluster(
                lambda: used.now(running.exposed),
                lambda: running.is_whole,
                lambda in_use: accepting.waivers(in_use, running) if running.is_read else None,
                lambda findings: accepting.report(findings, running),
            ),
            ChildScanner(settings, self._place),
            settings,
            self._place.home,
            kube=kube,
        )
        await first_of(
            keeper.run(), self._follow(used, keeper), self._take_orders(keeper), self._tell(keeper)
        )

    async def _follow(self, used: UsedImages, keeper: ImageKeeper) -> None:
        while True:
            used.take(await self._running.changes())
            keeper.changed()
            await asyncio.sleep(SETTLE_S)

    async def _take_orders(self, keeper: ImageKeeper) -> None:
        """An order has what failed tried again now."""
        while True:
            await self._orders.wait(IMAGES)
            names = self._orders.take(IMAGES)
            for name, trigger in names.items():
                with suppress(StoreError):
                    await record(self._store, name, self._run(keeper, trigger, "Running"))
            self._answering |= names
            keeper.try_again()

    async def _tell(self, keeper: ImageKeeper) -> None:
        written = ScanRun()
        told_at = -SEEN_S
        while True:
            run = self._run(keeper, "changes", FOLLOWING)
            is_due = time.monotonic() - told_at >= SEEN_S
            try:
                if keeper.is_settled:
                    for name, trigger in list(self._answering.items()):
                        await record(self._store, name, self._run(keeper, trigger, "Succeeded"))
                        await forget_old_runs(self._store, name)
                        self._answering.pop(name)
                if is_due or _lasting(run) != _lasting(written):
                    run = replace(run, status=replace(run.status, seen_at=moment()))
                    await record(self._store, CURRENT, run)
                    written, told_at = run, time.monotonic()
            except StoreError as error:
                log.warning("the run %s cannot be written: %s", CURRENT, error)
            await asyncio.sleep(TELL_S if not self._answering else SETTLE_S)

    def _run(self, keeper: ImageKeeper, trigger: str, phase: str) -> ScanRun:
        works = [work for work in keeper.works.values() if not work.record.gone_since]
        scanned = [work for work in works if work.result is not None]
        counts: Counter[str] = Counter()
        for work in scanned:
            counts.update(work.result.counts.counted.found if work.result else {})
        databases = [work.result.database for work in scanned if work.result and work.result.database]
        unread = [_unread(work) for work in works if work.record.phase != "Done"]
        if not self._running.is_whole:
            unread.append(Unread("pods", "not all of them can be read", "forbidden"))
        order = ScanOrder(
            ScanTarget("cluster", self._cluster_name),
            trigger,
            IMAGES,
            tool=ScanRules("leadline", __version__),
            database_built_at=max(databases) if databases else UNSET,
        )
        status = ScanOutcome(
            phase,
            self._started,
            moment() if phase == "Succeeded" else "",
            "",
            ScanCoverage(
                sum(len(work.image.workloads) for work in works),
                images=len(scanned),
                unread=len(unread),
                unread_places=unread_places(unread),
            ),
            image_counts(counts),
            sum(work.result.counts.counted.accepted for work in scanned if work.result),
        )
        return ScanRun(order, status)


class Accepting:
    """What may be accepted in images, out of what the watch shows; and what became of the exceptions."""

    def __init__(
        self, given: Sequence[Waiver], status: ExceptionStatus, *, is_of_target: bool = True
    ) -> None:
        """``given``: those of the operator's own files. ``is_of_target``: whether those of the cluster are honoured."""
        self._given = tuple(given)
        self._status = status
        self._is_of_target = is_of_target
        self._of: tuple[object, object] = ((), ())
        self._waivers = ImageWaivers(())

    def waivers(self, in_use: InUse, running: RunningImages) -> ImageWaivers:
        if self._of[0] is not running.deciding or self._of[1] != in_use.waivers:
            deciding = running.deciding
            self._of = (deciding, in_use.waivers)
            own, _ = waivers_of_objects(deciding) if self._is_of_target else ((), ())
            marked = in_use.waivers if self._is_of_target else ()
            given = in_namespaces(self._given, labels_of_namespaces(deciding))
            self._waivers = ImageWaivers((*given, *own, *marked))
        return self._waivers

    async def report(self, findings: Mapping[str, int], running: RunningImages) -> None:
        if self._is_of_target:
            exceptions = [one for one in running.deciding if one.kind != "Namespace"]
            await self._status.show(exceptions, findings)


def _unread(work: Work) -> Unread:
    phase = work.record.phase
    name = work.image.sources[0].name if work.image.sources else work.image.digest
    why = work.record.why or ("is scanned now" if phase == "Running" else "waits to be scanned")
    return Unread(name, why, _REASONS.get(phase, "incomplete"), hint=work.record.hint)


def _lasting(run: ScanRun) -> ScanOutcome:
    """Without what changes while nothing happens."""
    return replace(run.status, finished_at="", seen_at=UNSET)
