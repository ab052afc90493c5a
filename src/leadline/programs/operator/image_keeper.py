"""Keeps a result, or a reason, for every image that the cluster runs: plans, has scanned, and writes what came of it.

All that it knows stands in the store, so that a new one goes on where the last one ended, whenever that was.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import orjson
from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import DatabaseError, StoreError
from leadline.image.identity.reference import read_reference
from leadline.outputs.store.image_results import (
    MANIFESTS,
    SUMMARIES,
    RunningContainer,
    Scanned,
    ScanNote,
    scan_note,
    stored_counts,
    summary_name,
    summary_puts,
)
from leadline.outputs.store.posture_results import PREFIX
from leadline.outputs.store.protocol import ConflictError, Paging, Store
from leadline.outputs.store.selection import Key, Selection
from leadline.programs.operator.dispatch import Scanner
from leadline.programs.operator.image_jobs import NO_DATABASE, ImageAnswer, ImageSettings, task_of
from leadline.programs.operator.plan import Job, Outcome, Plan, Wanted, due_now, ended, plan, taken
from leadline.programs.operator.used_images import InUse
from leadline.programs.operator.work_state import ImageOfCluster, Result, Work, WorkStore
from leadline.scans.database import database_state
from leadline.scans.store_images import collect_images
from leadline.version import __version__

log = logging.getLogger(__name__)
SOON_S = 5.0
"""What is to be tried within it has only been paced."""
LONGEST_SLEEP_S = 60.0
"""Then the database is looked at, whatever else happens."""
COLLECT_S = 600.0
"""Between two looks for results of what runs no more: they list all that is stored."""
HOLDER = "operator"
"""Of what processes of the leader scan. Who finds it at its start knows that its own kind left it behind."""
AT_ONCE = 50
"""Writes that are begun together."""
TIMESTAMP = f"{PREFIX}timestamp"
_AGAIN_S = 5.0


class Clock(Struct, frozen=True):
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Cluster(Struct, frozen=True):
    """What the watch knows."""

    in_use: Callable[[], InUse]
    is_whole: Callable[[], bool]
    """Whether every pod is known: otherwise nothing is called gone."""


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
        clock: Clock = Clock(),  # noqa: B008 frozen
    ) -> None:
        """``home``: the namespace of results about images."""
        self._store = store
        self._works = WorkStore(store)
        self._cluster = cluster
        self._scanner = scanner
        self._settings = settings
        self._home = home
        self._pace = settings.pace
        self._clock = clock
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._summaries: dict[Key, tuple[str, str]] = {}
        self._collected_at = 0.0
        self._containers: frozenset[RunningContainer] = frozenset()
        # What went while no one looked is not known.
        self._is_littered = True
        self._database = DatabaseWatch(settings.database)
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
        return self._is_loaded and not self._jobs and not self._again and not self._is_due

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
                wake = self._clock.now() + _AGAIN_S
                try:
                    wake = await self.step()
                except StoreError as error:
                    log.warning("images: %s", error)
                await self._sleep(wake)
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
        running = self._cluster.in_use()
        is_whole = self._cluster.is_whole()
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
        for job in planned.jobs:
            await self._begin(job)
        await self._summarise(running)
        if is_whole:
            await self._collect(running, planned.gone)
        return planned.wake

    async def _forget_failures(self) -> None:
        for work in list(self.works.values()):
            record = due_now(work.record)
            if record != work.record:
                await self._works.write(replace(work, record=record))
        self._again = False

    async def _load(self) -> None:
        """What is in the store, and what an earlier process of our kind left behind."""
        await self._works.load()
        notes = await self._notes(MANIFESTS, self._home)
        scanned = {note.digest: (key.name, note, annotations) for key, note, annotations in notes}
        self._summaries = {
            key: (note.digest, annotations.get(TIMESTAMP, ""))
            for key, note, annotations in await self._notes(SUMMARIES, "")
        }
        for digest, work in list(self.works.items()):
            record = work.record
            if record.version and not record.version.endswith(_tool()):
                record = replace(record, is_kept=False)
            if record.phase == "Running":
                record = replace(record, held_until=min(record.held_until, self._clock.now()))
                if found := scanned.get(digest):
                    work = self._adopted(replace(work, record=record), *found)
                    await self._works.write(work)
                    continue
            self._works.works[digest] = replace(work, record=record)
        self._is_loaded = True

    def _adopted(self, work: Work, manifest: str, note: ScanNote, annotations: Mapping[str, str]) -> Work:
        """With the result that was stored just before someone ended, where it is of that job."""
        record, at = work.record, annotations.get(TIMESTAMP, "")
        counts = stored_counts(manifest, annotations)
        if counts is None or _moment_of(at) < int(record.started):
            return work
        job = Job(record.key, version_text(note.database), is_stored=False)
        outcome = Outcome("Done", "" if counts.is_matched else NO_DATABASE, is_kept=True)
        record = ended(record, job, outcome, self._pace, self._clock.now())
        return replace(work, record=record, result=Result(counts, at, note.database))

    async def _notes(self, plural: str, namespace: str) -> list[tuple[Key, ScanNote, Mapping[str, str]]]:
        """What stored results of ours say of themselves, with all annotations."""
        found: list[tuple[Key, ScanNote, Mapping[str, str]]] = []
        token, is_first = "", True
        while token or is_first:
            page = await self._store.list(Selection(plural, namespace, with_body=False), Paging(token))
            token, is_first = page.token, False
            for entry in page.entries:
                annotations = orjson.loads(entry.content.metadata).get("annotations") or {}
                note = scan_note(annotations)
                if note is not None:
                    found.append((entry.key, note, annotations))
        return found

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

    async def _begin(self, job: Job) -> None:
        work = self.works.get(job.key)
        if work is None or job.key in self._jobs:
            return
        record = taken(work.record, HOLDER, self._pace, self._clock.now())
        if not await self._works.write(replace(work, record=record)):
            return
        task = asyncio.create_task(self._carry_out(job))
        self._jobs[job.key] = task
        task.add_done_callback(lambda _: self._ended(job.key))

    def _ended(self, key: str) -> None:
        self._jobs.pop(key, None)
        self._woken.set()

    async def _carry_out(self, job: Job) -> None:
        work = self.works[job.key]
        manifest = work.result.counts.manifest if job.is_stored and work.result else ""
        answer = await self._scanner.scan(task_of(work.image, manifest))
        outcome = answer.outcome
        log.info("image %s: %s %s", work.record.key, outcome.phase, outcome.why)
        while not await self._settled(job, answer):
            await self._clock.sleep(_AGAIN_S)

    async def _settled(self, job: Job, answer: ImageAnswer) -> bool:
        """Whether what came of it is written; false where the store cannot be reached now."""
        try:
            for _ in range(AT_ONCE):
                work = self.works.get(job.key)
                if work is None or work.record.holder != HOLDER:
                    return True  # someone else has it by now
                record = ended(work.record, job, answer.outcome, self._pace, self._clock.now())
                result = work.result
                if answer.counts is not None:
                    result = Result(answer.counts, answer.at, answer.database, answer.seconds)
                if await self._works.write(replace(work, record=record, result=result)):
                    return True
        except StoreError as error:
            log.warning("image %s: what came of it is not stored yet: %s", job.key, error)
            return self._clock.now() > work.record.held_until if work else True
        return True

    async def _summarise(self, running: InUse) -> None:
        """A summary for each container whose image has a result; none with the numbers of another image."""
        for container, digest in running.containers.items():
            key = Key(SUMMARIES, container.namespace, summary_name(container))
            work, there = self.works.get(digest), self._summaries.get(key)
            result = work.result if work else None
            if result is None:
                if there is not None and there[0] != digest:
                    await self._drop(key)
                continue
            if there == (digest, result.at):
                continue
            scanned = Scanned(self._home, result.at, digest, result.database)
            for put in summary_puts(result.counts, scanned, (container,)):
                await self._store.put(put)
            self._summaries[key] = (digest, result.at)

    async def _drop(self, key: Key) -> None:
        with suppress(ConflictError):  # it is gone already
            await self._store.delete(key)
        self._summaries.pop(key, None)

    async def _collect(self, running: InUse, gone: Sequence[str]) -> None:
        """Deletes what is stored of images and containers that are no more."""
        containers = frozenset(running.containers)
        self._is_littered |= bool(gone or self._containers - containers)
        self._containers = containers
        now = self._clock.now()
        if not self._is_littered or now - self._collected_at < COLLECT_S:
            return
        ids = {work.result.counts.id for work in self.works.values() if work.result}
        count = await collect_images(self._store, ids, containers, home=self._home)
        self._collected_at, self._is_littered = now, False
        if count:
            log.info("images: %d results of what runs no more were deleted", count)

    async def _sleep(self, wake: float) -> None:
        seconds = max(0.0, min(wake - self._clock.now(), LONGEST_SLEEP_S))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        self._woken.clear()


def version_text(built: str) -> str:
    """What a result is of: the database, and the program that knew what to look for."""
    return f"{built or 'no database'} {_tool()}"


class DatabaseWatch:
    """The file of the database, opened again only once it is another."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._stamp: tuple[int, ...] = ()
        self._version = ""

    def version(self) -> str:
        """What results have to be of now; empty where there is a database to come, or one that cannot be read."""
        if not self._path:
            return version_text("")
        try:
            status = Path(self._path).stat()
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
            if stamp != self._stamp:
                self._version = version_text(database_state(Path(self._path)).built)
                self._stamp = stamp
        except (OSError, DatabaseError) as error:
            log.warning("images: the vulnerability database cannot be read: %s", error)
            self._stamp, self._version = (), ""
        return self._version


def _tool() -> str:
    return f"leadline {__version__}"


def _registry(image: ImageOfCluster) -> str:
    reference = read_reference(image.sources[0].name) if image.sources else None
    return reference.registry if reference else ""


def _moment_of(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
