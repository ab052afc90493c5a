"""Every running image comes to a result or a reason, whatever happens, and is scanned once for one database."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from fake_scanner import Crash, FakeScanner
from hypothesis import given, settings
from hypothesis import strategies as st
from pods import digest_of, pod, shown

from leadline.api.protocol import Entry, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError
from leadline.programs.operator.images.carrier import Clock
from leadline.programs.operator.images.jobs import ImageAnswer, ImageSettings
from leadline.programs.operator.images.keeper import Cluster, ImageKeeper
from leadline.programs.operator.images.notes import version_text
from leadline.programs.operator.images.used import UsedImages
from leadline.programs.operator.plan import Outcome
from leadline.programs.operator.work_state import IMAGE_SCANS, Work, work_of
from leadline.scans.stored.image_results import (
    MANIFESTS,
    SUMMARIES,
    scan_note,
)
from memory_store import MemoryStore

SETTINGS = ImageSettings(gap_s=0.0, workers=4, workers_of_registry=4)
PACE = SETTINGS.pace
NOW = 1_800_000_000.0


class FrailStore(MemoryStore):
    """Ends the process, or fails, at the writes that it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fates: list[str] = []
        """Of the writes to come: ``""``, ``lost`` and ``crash`` before it, ``crash after`` it."""

    async def put(self, put: Put) -> Entry:
        fate = self.fates.pop(0) if self.fates else ""
        if fate == "lost":
            raise StoreError("the store is away")
        if fate == "crash":
            raise Crash
        entry = await super().put(put)
        if fate == "crash after":
            raise Crash
        return entry


class World:
    """A cluster, a store and a clock; keepers come and go."""

    def __init__(self) -> None:
        self.store = FrailStore()
        self.used = UsedImages()
        self.now = NOW
        self.built = "db1"
        self.scanner = FakeScanner(self.store, lambda: self.built, lambda: self.now)
        self.exposed: dict[str, tuple[str, ...]] = {}
        self.keeper: ImageKeeper | None = None
        self.is_whole = True

    def begin(self) -> ImageKeeper:
        cluster = Cluster(lambda: self.used.now(self.exposed), lambda: self.is_whole)
        clock = Clock(lambda: self.now, self.sleep)
        keeper = ImageKeeper(self.store, cluster, self.scanner, SETTINGS, "leadline", clock=clock)
        keeper._database = _Database(self)
        self.keeper = keeper
        return keeper

    def start(self, body: dict[str, Any]) -> None:
        self.used.take(shown(body))

    def end(self, body: dict[str, Any]) -> None:
        self.used.take(dict.fromkeys(shown(body)))

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def step(self) -> float:
        """One step and the jobs that it began; a process that ends in it is followed by another."""
        keeper = self.keeper or self.begin()
        try:
            wake = await keeper.step()
            jobs = list(keeper._jobs.values())
            ended = await asyncio.gather(*jobs, return_exceptions=True)
            if any(isinstance(one, Crash) for one in ended):
                raise Crash
        except Crash:
            for job in self.keeper._jobs.values() if self.keeper else ():
                job.cancel()
            self.keeper = None
            return self.now
        except StoreError:
            return self.now + 1
        return wake

    async def settle(self) -> None:
        """Until nothing is left to do but what waits for good."""
        for _ in range(400):
            wake = await self.step()
            if wake <= self.now or (self.keeper and self.keeper._woken.is_set()):
                if self.keeper:
                    self.keeper._woken.clear()
                continue
            works = await self.works()
            if wake == float("inf") or all(self.is_done(work) for work in works):
                return
            self.now = wake
        raise AssertionError([work.record for work in await self.works()])

    def is_done(self, work: Work) -> bool:
        record = work.record
        return bool(record.gone_since) or (
            record.phase == "Done" and record.version == version_text(self.built)
        )

    async def works(self) -> list[Work]:
        page = await self.store.list(Selection(IMAGE_SCANS), Paging())
        return [work for entry in page.entries if (work := work_of(entry))]


class _Database:
    def __init__(self, world: World) -> None:
        self._world = world

    def version(self) -> str:
        return version_text(self._world.built)


Event = tuple[Any, ...]
NUMBERS = st.integers(0, 5)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.integers(0, 7), NUMBERS),
        st.tuples(st.just("end"), st.integers(0, 7), NUMBERS),
        st.tuples(st.just("step")),
        st.tuples(st.just("restart")),
        st.tuples(st.just("database"), st.sampled_from(["db1", "db2", "db3"])),
        st.tuples(
            st.just("writes"),
            st.lists(st.sampled_from(["", "", "", "lost", "crash", "crash after"]), max_size=12),
        ),
        st.tuples(st.just("crash after storing"), NUMBERS),
        st.tuples(
            st.just("answers"),
            NUMBERS,
            st.lists(
                st.sampled_from(
                    ["Busy", "Unreachable", "Unauthorized", "Failed", "Crashed", "Lost", "Stopped"]
                ),
                max_size=3,
            ),
        ),
        st.tuples(st.just("wait"), st.integers(1, 1000)),
    ),
    max_size=25,
)


async def after(events: Sequence[Event]) -> World:
    world = World()
    for event in events:
        match event:
            case ("start", name, number):
                world.start(pod(f"p{name}", f"quay.io/a{number}:1", digest_of(number)))
            case ("end", name, number):
                body = pod(f"p{name}", "quay.io/a:1", digest_of(number))
                world.end(body)
            case ("step",):
                await world.step()
            case ("restart",):
                world.keeper = None
            case ("database", built):
                world.built = built
            case ("writes", fates):
                world.store.fates = fates
            case ("crash after storing", number):
                world.scanner.crash_after.add(digest_of(number))
            case ("answers", number, phases):
                world.scanner.answers[digest_of(number)] = [
                    ImageAnswer(Outcome(one, "why")) for one in phases
                ]
            case ("wait", seconds):
                world.now += seconds
    return world


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_any_series_of_events_ends_with_a_result_for_every_image(events: list[Event]) -> None:
    async def run() -> None:
        world = await after(events)
        world.store.fates = []
        await world.settle()
        running = world.used.now({})
        works = {work.image.digest: work for work in await world.works()}
        assert set(running.images) <= set(works)
        for digest in running.images:
            work = works[digest]
            assert world.is_done(work), work.record
            assert work.result is not None
            assert work.record.holder == ""
        # Each container has the numbers of its image, and there are no others.
        page = await world.store.list(Selection(SUMMARIES), Paging())
        assert len(page.entries) >= len({(c.workload, c.name) for c in running.containers})

    asyncio.run(run())


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_no_image_is_scanned_twice_for_one_database(events: list[Event]) -> None:
    """Not even where the process ended between storing a result and remembering so."""
    backs = [event for event in events if event[0] != "database"]

    async def run() -> None:
        world = await after(backs)
        world.store.fates = []
        await world.settle()
        again = {key: number for key, number in world.scanner.scanned.items() if number > 1}
        assert again == {}

    asyncio.run(run())


@pytest.mark.parametrize("number", [1, 3])
def test_one_scan_serves_all_workloads_and_a_new_database_fetches_nothing(number: int) -> None:
    async def run() -> None:
        world = World()
        for name in range(number):
            world.start(pod(f"p{name}", "quay.io/a:1", digest_of(1)))
        await world.settle()
        world.built = "db2"
        await world.settle()
        assert world.scanner.scanned == {(digest_of(1), "db1"): 1, (digest_of(1), "db2"): 1}
        assert world.scanner.fetched == {digest_of(1): 1}
        (work,) = await world.works()
        assert len(work.image.workloads) == number
        assert work.result is not None
        assert work.result.database == "db2"
        page = await world.store.list(Selection(SUMMARIES), Paging())
        assert len(page.entries) == number
        # Both scans may be of one second.
        for entry in page.entries:
            note = scan_note(orjson.loads(entry.content.metadata)["annotations"])
            assert note is not None
            assert note.database == "db2"

    asyncio.run(run())


def test_a_container_that_comes_later_gets_its_numbers_without_a_scan() -> None:
    async def run() -> None:
        world = World()
        world.start(pod("first", "quay.io/a:1", digest_of(1)))
        await world.settle()
        world.start(pod("second", "quay.io/b:1", digest_of(1), namespace="other"))
        await world.settle()
        assert sum(world.scanner.scanned.values()) == 1
        entry = await world.store.get(Key(SUMMARIES, "other", "pod-second-main"))
        assert entry is not None
        assert orjson.loads(entry.content.body)["spec"]["severities"]["high"] == {"all": 2, "relevant": 0}

    asyncio.run(run())


def test_numbers_of_the_image_before_are_not_shown_for_one_that_was_not_scanned() -> None:
    async def run() -> None:
        world = World()
        world.start(pod("web", "quay.io/a:1", digest_of(1)))
        await world.settle()
        world.scanner.answers[digest_of(2)] = [ImageAnswer(Outcome("Unauthorized", "no"))]
        world.start(pod("web", "quay.io/a:2", digest_of(2)))
        await world.step()
        await world.step()
        assert await world.store.get(Key(SUMMARIES, "shop", "pod-web-main")) is None
        reasons = {work.image.digest: (work.record.phase, work.record.why) for work in await world.works()}
        assert reasons[digest_of(2)] == ("Unauthorized", "no")

    asyncio.run(run())


def test_results_of_what_runs_no_more_go_after_a_day_and_only_when_all_is_known() -> None:
    async def run() -> None:
        world = World()
        body = pod("web", "quay.io/a:1", digest_of(1))
        world.start(body)
        world.start(pod("other", "quay.io/b:1", digest_of(2)))
        await world.settle()
        world.end(body)
        world.is_whole = False
        await world.step()
        world.now += 2 * PACE.kept_s
        await world.step()
        assert len(await world.works()) == 2
        world.is_whole = True
        await world.step()
        world.now += 2 * PACE.kept_s
        await world.step()
        assert [work.image.digest for work in await world.works()] == [digest_of(2)]
        page = await world.store.list(Selection(MANIFESTS), Paging())
        assert [entry.key.name for entry in page.entries] == [f"m-{digest_of(2)[7:]}"]

    asyncio.run(run())


def test_what_the_scanner_before_us_stored_is_taken_over() -> None:
    async def run() -> None:
        world = World()
        world.start(pod("web", "quay.io/a:1", digest_of(1)))
        world.scanner.crash_after.add(digest_of(1))
        await world.step()
        assert world.keeper is None
        await world.settle()
        (work,) = await world.works()
        assert work.result is not None
        assert work.result.counts.counted.found == {"high": 2}
        assert world.scanner.scanned == {(digest_of(1), "db1"): 1}

    asyncio.run(run())


def test_the_summary_of_a_container_goes_soon_after_it_and_stays_while_it_is_begun_anew() -> None:
    async def run() -> None:
        world = World()
        bodies = [pod(name, "quay.io/a:1", digest_of(1)) for name in ("goes", "comes-back")]
        for body in bodies:
            world.start(body)
        await world.settle()

        async def summaries() -> set[str]:
            page = await world.store.list(Selection(SUMMARIES), Paging())
            return {entry.key.name for entry in page.entries}

        assert await summaries() == {"pod-goes-main", "pod-comes-back-main"}
        for body in bodies:
            world.end(body)
        wake = await world.step()
        assert wake <= world.now + 20
        assert len(await summaries()) == 2
        world.start(bodies[1])
        world.now += 21
        await world.step()
        assert await summaries() == {"pod-comes-back-main"}

    asyncio.run(run())
