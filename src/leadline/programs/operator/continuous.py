"""Keeps posture results current: all is read once, and from then on what a change touches is judged and written again.

One session is one reading of the cluster. Its ScanRun says what came of it; the run ``posture-current`` continues as
long as changes are followed. A full scan is a new session: all is read and judged again and compared with the store.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing, suppress
from datetime import UTC, datetime

from msgspec import UNSET, Struct
from msgspec.structs import replace

from leadline.api.kinds.scans import KnownAdmin
from leadline.api.protocol import ConflictError, Entry, Paging, Store
from leadline.api.selection import Key, Selection
from leadline.api.wire_type import Maybe
from leadline.backoff import backoff_s
from leadline.errors import ClusterError, LeadlineError, StoreError
from leadline.model.report import PostureReport
from leadline.programs.operator.runs import Orders, failed_run
from leadline.programs.operator.settings import Settings
from leadline.programs.operator.waiver_objects import ExceptionStatus
from leadline.programs.operator.watch import RunningImages, changes_of, in_thread
from leadline.programs.service import give_back_memory
from leadline.programs.serving.chores import first_of
from leadline.scans.posture.cluster_source import kinds_read, reading_of
from leadline.scans.posture.exposed_objects import KINDS as EXPOSING
from leadline.scans.stored.followed_results import FollowedResults, Results, ScanRules
from leadline.scans.stored.history.admins import record_admins
from leadline.scans.stored.history.days import Place, first_look_by, forget_old, record_days
from leadline.scans.stored.posture_runs import Outcome, RunOptions, posture_run
from leadline.scans.stored.result_writer import ResultWriter
from leadline.scans.stored.scan_runs import FOLLOWING, RUNS, forget_old_runs, moment, record, run_name
from leadline.scans.stored.workload_images import WorkloadImages, image_changes, read_images
from leadline.sources.cluster.connection import Cluster
from leadline.sources.cluster.rbac import ANY_WORKLOAD
from leadline.sources.cluster.watch import ClusterWatch, watch_cluster

log = logging.getLogger(__name__)
CURRENT = "posture-current"
"""Name of the run that continues."""
_SECRETS = "Secret"
BATCH = 100
"""Objects whose results are worked out and written together."""
AGAIN_S = 5.0
LONGEST_AGAIN_S = 120.0
CURRENT_S = 30.0
"""So often at most the run that continues is written, when something changed."""
DAY_S = 600.0
"""So often at most the numbers of the day are written, when something changed."""
SEEN_S = 300.0
"""So often at least it says that it continues."""
KINDS_S = 60.0
"""So often it is asked whether the cluster serves a kind by now: definitions that were just installed take a moment."""
EXPOSED_S = 60.0
"""So often it is worked out again what can be reached from outside."""
LOOK_S = 30.0
"""So often it is looked for what accepted findings has ended."""


_OWN_TRIGGERS = ("start", "rights", "again after an error")
"""Of runs that no one ordered."""


class World(Struct, frozen=True):
    """What the halves of the operator work with."""

    settings: Settings
    connect: Callable[[], Cluster]
    """A connection to the cluster, for one session."""
    store: Store
    rules: ScanRules
    exceptions: ExceptionStatus
    orders: Orders
    running: RunningImages
    may_list: Callable[[str, str], Awaitable[bool]]
    """Whether the objects of a plural and group may be listed by now."""
    again_s: float = AGAIN_S
    """After a first failure; doubled with each."""
    rights_s: float = SEEN_S
    """Between two looks for rights that were missing."""
    kinds_s: float = KINDS_S
    """Between two looks for kinds that the cluster did not serve."""


class Continuous:
    """The half that judges objects."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self) -> None:
        """Until it is cancelled."""
        settings = self._world.settings
        if not settings.posture:
            await self._follow_alone()
        elif settings.continuous:
            await self._judge()
        else:
            images = [self._follow_alone()] if settings.images.enabled else []
            await first_of(self._judge(), *images)

    async def _judge(self) -> None:
        """One session after the other."""
        trigger, failures = "start", 0
        names: dict[str, str] = {}
        """Of the runs that the next session answers, each with its trigger."""
        own = ""
        await self._world.orders.known()
        while True:
            names |= self._world.orders.take("posture")
            if not names:
                # While it fails again and again it is one run, not one for each time.
                own = own or run_name("posture", moment())
                names[own] = trigger
            try:
                await self._session(names)
                trigger = "rights"
            except (LeadlineError, OSError) as error:
                # One that was whole before it ended begins the count again.
                failures = failures + 1 if names else 1
                wait_s = backoff_s(failures, self._world.again_s, LONGEST_AGAIN_S)
                own = own if names else ""
                log.error("posture is not followed, all is read again in %.0f s: %s", wait_s, error)
                await self._failed(names, str(error))
                trigger = "again after an error"
                await asyncio.sleep(wait_s)
            else:
                own, failures = "", 0

    async def _follow_alone(self) -> None:
        """Where objects are not judged as they change the cluster is followed all the same: for the half of images."""
        failures = 0
        while True:
            try:
                session = await self._opened({}, is_alone=True)
                failures = 0
                try:
                    await session.follow()
                finally:
                    await session.close()
            except (LeadlineError, OSError) as error:
                failures += 1
                wait_s = backoff_s(failures, self._world.again_s, LONGEST_AGAIN_S)
                log.error("the cluster is not followed, all is read again in %.0f s: %s", wait_s, error)
                await asyncio.sleep(wait_s)

    async def _session(self, names: dict[str, str]) -> None:
        """Reads all, and follows it or not until a full scan is asked for; ``names`` is emptied once these are answered."""
        # A store that is away is no reason to have the API server list everything again and again.
        await self._world.store.list(Selection(RUNS, with_body=False), Paging(limit=1))
        session = await self._opened(names)
        try:
            await (session.run() if self._world.settings.continuous else session.once())
        finally:
            await session.close()
        # What was read is let go of before the wait for the next scan.
        del session
        await in_thread(give_back_memory)
        if not self._world.settings.continuous:
            await self._world.orders.wait("posture")

    async def _opened(self, names: dict[str, str], *, is_alone: bool = False) -> "_Session":
        """``is_alone``: for the half that looks at images, and nothing is judged."""
        world = self._world
        started = moment()
        log.info("reading the cluster")
        cluster: Cluster | None = None
        try:
            cluster = await in_thread(world.connect)
            watch, followed = await in_thread(lambda: self._read(cluster, is_alone=is_alone))
        except BaseException:
            if cluster is not None:
                cluster.close()
            raise
        session = _Session(world, watch, followed, is_alone=is_alone)
        session.begun(names, started)
        return session

    def _read(self, cluster: Cluster, *, is_alone: bool) -> tuple[ClusterWatch, FollowedResults]:
        world = self._world
        rules, settings = world.rules, world.settings
        if is_alone:
            rules = replace(rules, policies=replace(rules.policies, controls=(), frameworks=()))
        # Who looks at images alone reads what waits there.
        running = world.running if settings.images.enabled and (is_alone or settings.continuous) else None
        kinds = kinds_read(rules.policies.controls, rules.options)
        if is_alone:
            kinds |= {ANY_WORKLOAD, "Namespace", *EXPOSING}
        if not settings.read_secrets:
            kinds.discard(_SECRETS)
        if running:
            running.begin()
        watch = watch_cluster(
            cluster,
            kinds,
            settings.include_namespaces,
            settings.exclude_namespaces,
            observe=running.observe if running else None,
            forget=running.forget if running else None,
            relisted=running.relisted if running else None,
        )
        snapshot = watch.snapshot
        watch.forget_snapshot()
        if running:
            running.read(is_whole="Pod" not in snapshot.unread_kinds, unread_kinds=snapshot.unread_kinds)
        if not settings.read_secrets:
            snapshot = replace(snapshot, unread_kinds=snapshot.unread_kinds | {_SECRETS})
        reading = reading_of(snapshot, rules.options, rules.policies.controls)
        if settings.cluster_name:
            reading = replace(reading, target=replace(reading.target, name=settings.cluster_name))
        return watch, FollowedResults(rules, reading)

    async def _failed(self, names: dict[str, str], why: str) -> None:
        for name, trigger in names.items():
            with suppress(StoreError):
                await record(self._world.store, name, failed_run("posture", trigger, why))
                await forget_old_runs(self._world.store, name)
        ordered = [name for name, trigger in names.items() if trigger not in _OWN_TRIGGERS]
        for name in ordered:
            del names[name]


class _Session:
    """One reading of the cluster and what follows it."""

    def __init__(
        self, world: World, watch: ClusterWatch, followed: FollowedResults, *, is_alone: bool = False
    ) -> None:
        self._world = world
        self._is_alone = is_alone
        self._watch = watch
        self._followed = followed
        self._writer = ResultWriter(world.store)
        self._judging = asyncio.Lock()
        self._is_due = asyncio.Event()
        """Something is to be written."""
        self._is_whole = asyncio.Event()
        """All that was read has been stored."""
        self._is_stale = asyncio.Event()
        """The run that continues says something else than it did."""
        self._to_delete: set[Key] = set()
        self._changed_at = ""
        self._counted_day, self._counted_at = "", 0.0
        self._admins: Maybe[tuple[KnownAdmin, ...]] = UNSET
        """When the numbers of a day were written last."""
        self._names: dict[str, str] = {}
        self._started = ""
        self._images_at = 0
        """The revision up to which results about images are known."""

    def begun(self, names: dict[str, str], started: str) -> None:
        """``names`` of the runs that this session answers, each with its trigger; emptied when it has."""
        self._names, self._started = names, started

    async def close(self) -> None:
        await in_thread(self._watch.close)

    async def run(self) -> None:
        """Follows the cluster until a full scan is asked for, or something may be read that could not be before.

        Raises: ``StoreError``, ``ClusterError``.
        """
        await self._begin()
        self._is_due.set()
        await first_of(
            self._follow(),
            self._write(),
            self._tell(),
            self._look_at_time(),
            self._look_for_rights(),
            self._look_for_kinds(),
            self._look_outside(),
            self._look_at_images(),
            self._world.orders.wait("posture"),
        )

    async def once(self) -> None:
        """Judges and stores what was read, and follows nothing. Raises: ``StoreError``."""
        await self._begin()
        await first_of(self._write(), self._is_whole.wait())
        await self._world.exceptions.show(self._followed.exceptions, self._followed.covered)
        # Of an operator that did follow: what it said holds no more.
        with suppress(ConflictError):
            await self._world.store.delete(Key(RUNS, "", CURRENT))

    async def _begin(self) -> None:
        store, home = self._world.store, self._world.rules.home
        # Before a run says by which rules this one looks.
        self._writer.by = await first_look_by(store, await self._report(), home)
        self._images_at = await read_images(store, self._followed.images)
        await self._record("Running")
        await self._writer.learn()

    async def follow(self) -> None:
        """Follows the cluster and judges nothing, until something may be read that could not be before.

        Raises: ``ClusterError``.
        """
        await first_of(self._follow(), self._look_for_rights(), self._look_for_kinds(), self._look_outside())

    async def _follow(self) -> None:
        async with aclosing(changes_of(self._watch)) as found:
            async for changes in found:
                async with self._judging:
                    await in_thread(
                        lambda c=changes: self._followed.take(c.removed, c.added, c.unread)  # type: ignore[misc]
                    )
                if self._is_alone:
                    self._followed.pending.clear()
                self._is_due.set()
                if changes.unread:
                    self._is_stale.set()
        raise ClusterError("the watch of the cluster has ended")

    async def _write(self) -> None:
        failures, is_first, takes_last = 0, True, False
        while True:
            results, at = Results(), moment()
            if self._followed.pending:
                takes_last = not takes_last
                ids = self._next(is_last=takes_last)
                async with self._judging:
                    results = await in_thread(lambda: self._followed.results(ids, at))  # noqa: B023
            try:
                await self._store(results, at)
                if not self._followed.pending and is_first:
                    await self._collect()
                    is_first = False
                failures = 0
                if not self._followed.pending:
                    await self._world.exceptions.show(self._followed.exceptions, self._followed.covered)
                    self._is_due.clear()
                    if not self._followed.pending:
                        await self._is_due.wait()
            except StoreError as error:
                self._followed.pending |= dict.fromkeys(results.ids)
                failures += 1
                wait_s = backoff_s(failures, self._world.again_s, LONGEST_AGAIN_S)
                log.error("results cannot be written, again in %.0f s: %s", wait_s, error)
                await asyncio.sleep(wait_s)

    def _next(self, *, is_last: bool) -> tuple[str, ...]:
        """The ids that have waited longest and those that came last, in turn: neither waits for all of the others."""
        pending = self._followed.pending
        ids = iter(reversed(pending)) if is_last else iter(pending)
        return tuple(id for id, _ in zip(ids, range(BATCH), strict=False))

    async def _store(self, results: Results, at: str) -> None:
        writer = self._writer
        before = writer.written + writer.deleted
        began = asyncio.get_running_loop().time()
        self._to_delete |= set(results.gone)
        self._to_delete -= {put.key for put in results.puts}
        await writer.write(results.puts, at=at)
        if writer.ending:
            log.info(
                "nothing new is stored in namespaces that are being deleted: %s",
                ", ".join(sorted(writer.ending)),
            )
        await writer.delete(self._to_delete, at=at)
        self._to_delete.clear()
        count = writer.written + writer.deleted - before
        if count:
            self._changed_at = at
            self._is_stale.set()
            took_s = asyncio.get_running_loop().time() - began
            await asyncio.sleep(max(0.0, count / self._world.settings.writes_per_s - took_s))

    async def _collect(self) -> None:
        """Deletes stored results whose objects no longer exist, then ends the run."""
        there = set(self._followed.keys)
        unread = self._watch.snapshot.unread_kinds
        # Where nothing at all was judged, nothing is known to be gone either.
        await self._writer.delete(self._writer.beyond(there, unread) if there else (), at=moment())
        log.info(
            "%d objects are followed; %d results written, %d deleted",
            self._followed.objects,
            self._writer.written,
            self._writer.deleted,
        )
        await self._record("Succeeded")
        await self._count_day(await self._report())
        self._writer.by = ""
        for name in self._names:
            await forget_old_runs(self._world.store, name)
        self._names.clear()
        await in_thread(give_back_memory)
        self._is_whole.set()
        self._is_stale.set()

    async def _record(self, phase: str) -> None:
        report = await self._report()
        message = ""
        if phase == "Succeeded" and not any(report.judged):
            phase, message = "Failed", "no object was judged"
        for name, trigger in self._names.items():
            run = posture_run(report, self._told(trigger), Outcome(self._started, phase, message))
            await record(self._world.store, name, run)

    async def _tell(self) -> None:
        """Keeps the run that continues."""
        loop = asyncio.get_running_loop()
        told_at = -SEEN_S
        await self._is_whole.wait()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_stale.wait(), SEEN_S)
            wait_s = CURRENT_S - (loop.time() - told_at)
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            self._is_stale.clear()
            told_at = loop.time()
            report = await self._report()
            run = posture_run(report, self._told("changes"), Outcome(self._started, FOLLOWING))
            await in_thread(give_back_memory)
            try:
                await self._look_at_access()
                status = replace(
                    run.status,
                    finished_at="",
                    changed_at=self._changed_at,
                    seen_at=moment(),
                    admins=self._admins,
                )
                await record(self._world.store, CURRENT, replace(run, status=status))
                if moment()[:10] != self._counted_day or loop.time() - self._counted_at >= DAY_S:
                    await self._count_day(report)
            except StoreError as error:
                log.warning("the run %s cannot be written: %s", CURRENT, error)
                self._is_stale.set()

    async def _look_at_access(self) -> None:
        """Records who can reach cluster admin where that may have changed. Raises: ``StoreError``."""
        if self._told("changes").is_full and self._followed.is_access_new:
            async with self._judging:
                self._followed.is_access_new = False
                paths = await in_thread(self._followed.admin_paths)
            try:
                place = Place(self._world.rules.home, moment())
                self._admins = await record_admins(self._world.store, paths, place)
            except StoreError:
                self._followed.is_access_new = True
                raise

    async def _count_day(self, report: PostureReport) -> None:
        """Writes how the day ends, as far as it has come; with the first of a day what is too old goes."""
        if not any(report.judged):
            return
        at, store = moment(), self._world.store
        await record_days(store, report, Place(self._world.rules.home, at))
        if at[:10] != self._counted_day:
            await forget_old(store, datetime.now(UTC))
        self._counted_day, self._counted_at = at[:10], asyncio.get_running_loop().time()

    async def _report(self) -> PostureReport:
        async with self._judging:
            return await in_thread(self._followed.report)

    def _told(self, trigger: str) -> RunOptions:
        settings = self._world.settings
        is_full = not (
            settings.include_namespaces or settings.exclude_namespaces or settings.exclude_controls
        )
        return RunOptions(trigger, is_full=is_full, skipped_namespaces=settings.exclude_namespaces)

    async def _look_outside(self) -> None:
        """Says again and again which workloads can be reached from outside, for the half that looks at images."""
        while True:
            async with self._judging:
                self._world.running.exposed = await in_thread(self._followed.exposed)
            await asyncio.sleep(EXPOSED_S)

    async def _look_at_images(self) -> None:
        """Ranks workloads again of whose images something else is stored."""
        store = self._world.store
        while True:
            try:
                async for changed in image_changes(store, self._images_at):
                    await self._take_images(changed)
            except StoreError as error:
                log.warning("results about images are read again: %s", error)
            await asyncio.sleep(self._world.again_s)
            with suppress(StoreError):
                found = WorkloadImages()
                self._images_at = await read_images(store, found)
                async with self._judging:
                    self._followed.look_at_images(found.difference(self._followed.images))
                    self._followed.images = found
                self._is_due.set()

    async def _take_images(self, changed: Iterable[tuple[Entry, bool]]) -> None:
        async with self._judging:
            images = self._followed.images
            owners = {owner for entry, is_gone in changed for owner in images.take(entry, is_gone=is_gone)}
            self._followed.look_at_images(owners)
        if owners:
            self._is_due.set()

    async def _look_at_time(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            async with self._judging:
                self._followed.look_at_time(datetime.now(UTC))
            if self._followed.pending:
                self._is_due.set()

    async def _look_for_kinds(self) -> None:
        """Returns when a kind is served that was not when the cluster was read, such as exceptions that are installed later."""
        while True:
            await asyncio.sleep(self._world.kinds_s)
            with suppress(LeadlineError):
                if kinds := await in_thread(self._watch.served_since):
                    log.info("%s: served now, so that the cluster is read again", ", ".join(kinds))
                    return

    async def _look_for_rights(self) -> None:
        """Returns when something may be read that could not be before."""
        while True:
            await asyncio.sleep(self._world.rights_s)
            rules = [one.rule for one in self._followed.reading.unread if one.rule is not None]
            for rule in rules:
                with suppress(LeadlineError):
                    if await self._world.may_list(rule.plural, rule.group):
                        log.info("%s may be listed now", rule.plural)
                        return
