"""Keeps a result, or a reason, for every image that the cluster runs: plans, has scanned, and writes what came of it.

All that it knows is in the store, so that a new one continues where the last one ended, whenever that was.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from leadline.api.protocol import ConflictError, Store
from leadline.api.selection import Key
from leadline.errors import StoreError
from leadline.packages.reference import read_reference
from leadline.programs.operator.dispatch import Scanner
from leadline.programs.operator.images.acceptor import Acceptor
from leadline.programs.operator.images.batches import POLL_S, Batches
from leadline.programs.operator.images.carrier import AGAIN_S, Carrier, Clock
from leadline.programs.operator.images.jobs import ImageSettings
from leadline.programs.operator.images.notes import (
    DatabaseWatch,
    is_of_this_version,
    notes_of,
    rescued,
    version_text,
)
from leadline.programs.operator.images.used import InUse
from leadline.programs.operator.plan import NEVER, Job, Plan, Wanted, due_now, plan
from leadline.programs.operator.work_state import ImageOfCluster, Work, WorkStore
from leadline.programs.serving.kube import Kube, KubeError
from leadline.scans.stored.history.vulnerabilities import ImageLook, Vulnerabilities, container_gone
from leadline.scans.stored.image_results import (
    SUMMARIES,
    RunningContainer,
    Scanned,
    other_summary_name,
    scan_note,
    summary_name,
    summary_names,
    summary_puts,
)
from leadline.scans.stored.lasting import put_lasting
from leadline.scans.stored.scan_runs import moment
from leadline.scans.stored.store_images import collect_images
from leadline.scans.waivers.image_acceptance import ImageWaivers

log = logging.getLogger(__name__)
SOON_S = 5.0
"""What is to be tried within it has only been paced."""
LONGEST_SLEEP_S = 60.0
"""Then the database is looked at, whatever else happens."""
COLLECT_S = 600.0
"""Between two looks for results of what runs no more: they list all that is stored."""
HOLDER = "operator"
"""Of what processes of the leader scan. Who finds it at its start knows that its own kind left it behind."""
GONE_S = 20.0
"""A container that is not there for so long has no summary any more: a workload that is begun again has its pods again."""
AT_ONCE = 50
"""Writes that are begun together."""
QUEUED = 4
"""Images to match for each worker beside Jobs, so that the next is there when one is done."""
UNUSABLE_S = 60.0
"""Until a Job is tried again that could not be created."""


def _no_waivers(running: InUse) -> ImageWaivers | None:
    del running
    return ImageWaivers(())


async def _unheard(findings: Mapping[str, int]) -> None:
    del findings


class Cluster(Struct, frozen=True):
    """What the watch knows."""

    in_use: Callable[[], InUse]
    is_whole: Callable[[], bool]
    """Whether every pod is known: otherwise nothing is called gone."""
    waivers: Callable[[InUse], ImageWaivers | None] = _no_waivers
    """What may be accepted in images; ``None`` as long as it is not known."""
    report: Callable[[Mapping[str, int]], Awaitable[None]] = _unheard
    """Is given how many findings each exception is about, by its source."""


class ImageKeeper:
    """Runs where the leader runs. ``changed`` may be called from any thread."""

    def __init__(
        self,
        store: Store,
        cluster: Cluster,
        scanner: Scanner,
        settings: ImageSettings,
        home: str,
        *,
        kube: Kube | None = None,
        clock: Clock = Clock(),  # noqa: B008 frozen
    ) -> None:
        """``home``: the namespace of results about images. ``kube``: for Jobs, where the settings have a template.

        Raises: ``UsageError`` for a template that cannot be used.
        """
        self._store = store
        self._works = WorkStore(store)
        self._cluster = cluster
        self._scanner = scanner
        self._settings = settings
        self._home = home
        self._vulnerabilities = Vulnerabilities(store, home)
        self._pace = settings.pace
        self._clock = clock
        self._acceptor = Acceptor(self._works, scanner, self._pace, clock)
        self._carrier = Carrier(
            self._works, scanner, self._pace, HOLDER, clock, acceptance_of=self._acceptor.of
        )
        self._batches = (
            Batches(kube, self._works, settings, home, clock) if settings.job_template and kube else None
        )
        self._spread_at = 0.0
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._summaries: dict[Key, tuple[str, str, str, str]] = {}
        """Of what each is: digest, moment, database, what is accepted. Two scans may be of one second."""
        self._collected_at = 0.0
        self._containers: frozenset[RunningContainer] = frozenset()
        self._vanished: dict[RunningContainer, float] = {}
        """Containers that were there, and since when they are not."""
        # What went while no one looked is not known.
        self._is_littered = True
        self._database = DatabaseWatch(settings.database, settings.database_address)
        self._is_loaded = False
        self._again = False
        self._is_due = True

    @property
    def works(self) -> Mapping[str, Work]:
        """By digest."""
        return self._works.works

    @property
    def is_settled(self) -> bool:
        """Whether every image has come to a result, or to a reason for which it was tried since ``try_again``."""
        return self._is_loaded and not self._jobs and not self._held and not self._again and not self._is_due

    @property
    def _held(self) -> bool:
        return self._batches is not None and bool(self._batches.active)

    def try_again(self) -> None:
        """What failed is tried now, as if it had never been."""
        self._again = True
        self._woken.set()

    def changed(self) -> None:
        """Something runs that did not, or the other way round."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Until it is cancelled; then what is under way is given back."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                wake = self._clock.now() + AGAIN_S
                try:
                    wake = await self.step()
                except StoreError as error:
                    log.warning("images: %s", error)
                seconds = max(0.0, min(wake - self._clock.now(), LONGEST_SLEEP_S))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), seconds)
                self._woken.clear()
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Ends what is under way, and says so in the store."""
        await self._scanner.close()
        if self._jobs:
            await asyncio.gather(*self._jobs.values(), return_exceptions=True)

    async def step(self) -> float:
        """One plan carried out. Returns when the next is due at the latest. Raises: ``StoreError``."""
        if not self._is_loaded:
            await self._load()
        if self._batches is not None and self._batches.active:
            try:
                await self._batches.look()
            except KubeError as error:
                log.warning("images: the Jobs cannot be looked at: %s", error)
        running = self._cluster.in_use()
        is_whole = self._cluster.is_whole()
        self._acceptor.look(running, self._cluster.waivers(running))
        version = self._database.version()
        wanted = [self._wanted(image, version) for image in running.images.values()]
        if self._again:
            await self._forget_failures()
        records = {digest: work.record for digest, work in self.works.items()}
        planned = plan(wanted, records, self._pace, self._clock.now(), is_whole=is_whole)
        if planned.beyond:
            log.warning("images: %d are too many to be looked after", planned.beyond)
        await self._write(planned, running)
        self._is_due = bool(planned.jobs) or planned.wake <= self._clock.now() + SOON_S
        if planned.jobs:
            await self._begin(planned.jobs, running)
        self._accept(running)
        await self._summarise(running)
        if self._acceptor.is_known:
            await self._cluster.report(self._acceptor.findings(running))
        if is_whole:
            await self._collect(running, planned.gone)
        vanished = min(self._vanished.values(), default=NEVER) + GONE_S
        if self._batches is not None and self._batches.active:
            return min(planned.wake, vanished, self._clock.now() + POLL_S)
        return min(max(planned.wake, self._spread_at), vanished)

    async def _forget_failures(self) -> None:
        for work in list(self.works.values()):
            record = due_now(work.record)
            if record != work.record:
                await self._works.write(replace(work, record=record))
        self._again = False

    async def _load(self) -> None:
        """What is in the store, and what an earlier process of our kind left behind."""
        await self._works.load()
        self._summaries = {
            found.key: (found.note.digest, found.at, found.note.database, found.note.accepted)
            for found in await notes_of(self._store, SUMMARIES)
        }
        lost = [work for work in self.works.values() if work.record.holder == HOLDER]
        for work in await rescued(self._store, self._home, lost, self._pace, now=self._clock.now()):
            await self._works.write(work)
        for digest, work in list(self.works.items()):
            record = work.record
            if record.version and not is_of_this_version(record.version):
                self._works.works[digest] = replace(work, record=replace(record, is_kept=False))
        self._is_loaded = True

    def _wanted(self, image: ImageOfCluster, version: str) -> Wanted:
        settings = self._settings
        if not version:
            # A database that cannot be read now is no reason to give up results of the one before.
            work = self.works.get(image.digest)
            version = work.record.version if work and work.record.version else version_text("")
        sources = [(one.name, one.secrets if settings.pull_secrets else ()) for one in image.sources]
        given = (
            sources,
            settings.pull_secrets,
            settings.most_image_mib,
            settings.worker_memory_mib,
            settings.worker_s,
            settings.node_blobs,
            sorted(settings.mirrors.items()),
            settings.ca_file,
            settings.accept_any_certificate,
        )
        circumstances = hashlib.blake2b(repr(given).encode(), digest_size=8).hexdigest()
        return Wanted(image.digest, version, _registry(image), circumstances, bool(image.exposed_by))

    async def _write(self, planned: Plan, running: InUse) -> None:
        news: dict[str, Work] = {}
        for record in planned.records:
            work = self.works.get(record.key)
            image = running.images.get(record.key) or (work.image if work else None)
            if image is not None:
                news[record.key] = Work(
                    record, image, work.result if work else None, work.revision if work else 0
                )
        for digest, image in running.images.items():
            work = news.get(digest) or self.works.get(digest)
            # Where it runs changes too often to be worth a write.
            if work is not None and replace(image, nodes=()) != replace(work.image, nodes=()):
                news[digest] = replace(work, image=image)
        pending = list(news.values())
        for start in range(0, len(pending), AT_ONCE):
            await asyncio.gather(*(self._works.write(work) for work in pending[start : start + AT_ONCE]))
        await self._works.delete(planned.gone)

    async def _begin(self, jobs: Sequence[Job], running: InUse) -> None:
        if self._batches is not None:
            if self._clock.now() >= self._spread_at:
                await self._spread(self._batches, [job for job in jobs if not job.is_stored], running)
            # What was fetched is matched here: pods of Jobs need no database.
            room = self._settings.workers * QUEUED - len(self._jobs)
            jobs = [job for job in jobs if job.is_stored][: max(0, room)]
        for job in jobs:
            if job.key not in self._jobs and await self._carrier.begin(job):
                task = asyncio.create_task(self._carry_out(job))
                self._jobs[job.key] = task
                task.add_done_callback(lambda _, key=job.key: self._ended(key))  # type: ignore[misc]

    async def _carry_out(self, job: Job) -> None:
        await self._carrier.carry_out(job)

    def _accept(self, running: InUse) -> None:
        """Has results looked at again in which something else is accepted than was."""
        for work in self._acceptor.stale(running, self._jobs):
            digest = work.image.digest
            task = asyncio.create_task(self._acceptor.carry_out(digest))
            self._jobs[digest] = task
            task.add_done_callback(lambda done, key=digest: self._accepted(key, done))  # type: ignore[misc]

    def _accepted(self, key: str, done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and isinstance(error := done.exception(), StoreError):
            log.warning("image %s: what is accepted is not stored yet: %s", key, error)
        self._ended(key)

    async def _spread(self, batches: Batches, jobs: Sequence[Job], running: InUse) -> None:
        try:
            await batches.hand_over(jobs, running)
        except KubeError as error:
            self._spread_at = self._clock.now() + UNUSABLE_S
            log.error("images: no Job can be created, again in %.0f s: %s", UNUSABLE_S, error)

    def _ended(self, key: str) -> None:
        self._jobs.pop(key, None)
        self._woken.set()

    async def _summarise(self, running: InUse) -> None:
        """A summary for each container whose image has a result; none with the numbers of another image."""
        names = summary_names(running.containers)
        for container, digest in running.containers.items():
            key = Key(SUMMARIES, container.namespace, names[container])
            work, there = self.works.get(digest), self._summaries.get(key)
            result = work.result if work else None
            if result is None:
                if there is not None and there[0] != digest:
                    await self._drop(key)
                continue
            if work is None or not self._acceptor.is_known or not self._acceptor.is_current(work):
                # Soon it is; until then what is shown is what was accepted before.
                if there is not None and there[0] != digest:
                    await self._drop(key)
                continue
            counted, seen = self._acceptor.seen_by(work, container, running)
            is_of = (digest, result.at, result.database, seen)
            if there == is_of:
                continue
            scanned = Scanned(self._home, result.at, digest, result.database, seen)
            counts = replace(result.counts, counted=counted)
            await put_lasting(self._store, summary_puts(counts, scanned, (container,), names))
            if counts.is_matched:
                look = ImageLook(digest, result.database, moment(), {})
                version = f"{result.at} {result.database}"
                await self._vulnerabilities.record(container, key.name, (counts.manifest, version), look)
            self._summaries[key] = is_of

    async def _drop(self, key: Key) -> None:
        with suppress(ConflictError):  # it is gone already
            await self._store.delete(key)
        self._summaries.pop(key, None)

    async def _collect(self, running: InUse, gone: Sequence[str]) -> None:
        """Deletes what is stored of images and containers that are no more."""
        containers = frozenset(running.containers)
        now = self._clock.now()
        self._vanished |= dict.fromkeys(self._containers - containers, now)
        self._is_littered |= bool(gone or self._containers - containers)
        self._containers = containers
        taken = {(one.namespace, name) for one, name in summary_names(containers).items()}
        for one, since in list(self._vanished.items()):
            if one not in containers and now - since < GONE_S:
                continue
            if one not in containers:
                for name in {summary_name(one), other_summary_name(one)}:
                    if (one.namespace, name) not in taken:
                        await self._drop(Key(SUMMARIES, one.namespace, name))
                        await container_gone(self._store, one.namespace, name, moment())
            del self._vanished[one]
        if not self._is_littered or now - self._collected_at < COLLECT_S:
            return
        ids = {work.result.counts.id for work in self.works.values() if work.result}
        is_known = all((work := self.works.get(d)) and work.result for d in running.images)

        def keeps(annotations: Mapping[str, str]) -> bool:
            """Results that someone else stored may be of an image whose id is not known yet."""
            note = scan_note(annotations)
            return note.digest in self.works if note is not None else not is_known

        count = await collect_images(self._store, ids, containers, home=self._home, keeps=keeps)
        self._collected_at, self._is_littered = now, False
        if count:
            log.info("images: %d results of what runs no more were deleted", count)


def _registry(image: ImageOfCluster) -> str:
    reference = read_reference(image.sources[0].name) if image.sources else None
    return reference.registry if reference else ""
