"""A store that is lost is said to be lost, and its old numbers are not shown as new ones."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from msgspec import structs
from scanned import PATIENCE, deployment, followed, new_results, scan, until

from leadline.api.posture_results import SUMMARIES
from leadline.api.protocol import Changes, Content, GoneError, Page, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError
from leadline.programs.exporter.scraping import Numbers
from leadline.programs.exporter.settings import Settings
from leadline.programs.serving.following import Follower
from leadline.scans.stored.store_posture import StoreOptions, store_posture
from memory_store import MemoryStore

EVERYTHING = StoreOptions(is_full=True)


class Flaky:
    """A store that can be out of reach, silent, or behind its history."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.is_away = False
        self.is_silent = False
        self.gone_once: set[str] = set()
        self.lists = 0

    async def list(self, selection: Selection, paging: Paging) -> Page:
        if self.is_away:
            raise StoreError("out of reach")
        self.lists += paging.limit > 1
        return await self._store.list(selection, paging)

    async def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        if selection.plural in self.gone_once:
            self.gone_once.remove(selection.plural)
            raise GoneError(since)
        async for changes in self._store.watch(selection, since):
            if self.is_silent:
                await asyncio.Event().wait()
            yield changes

    async def close(self) -> None:
        """Stays as it is: it is opened again."""


def shown(numbers: Numbers) -> dict[str, float]:
    """Of each name the first value."""
    return {sample.name: sample.value for family in numbers.collect() for sample in reversed(family.samples)}


def within(scenario: Callable[[MemoryStore, Flaky], Awaitable[None]]) -> None:
    async def run() -> None:
        store = MemoryStore()
        await scenario(store, Flaky(store))

    asyncio.run(run())


def put(name: str) -> Put:
    return Put(Key(SUMMARIES, "shop", name), Content(b'{"name":"%s"}' % name.encode(), body=b'{"spec":{}}'))


def test_a_store_out_of_reach_is_down_at_once_and_its_numbers_go_when_they_are_old():
    async def scenario(store: MemoryStore, flaky: Flaky) -> None:
        await store.put(put("a"))
        now = [1000.0]
        results = new_results()
        follower = Follower(results, lambda: flaky, PATIENCE, clock=lambda: now[0])
        numbers = Numbers(results, follower, Settings())
        assert shown(numbers)["leadline_store_up"] == 0
        running = asyncio.ensure_future(follower.run())
        await until(follower, lambda: follower.is_up)
        assert shown(numbers)["leadline_store_up"] == 1
        flaky.is_away = True
        await until(follower, lambda: not follower.is_up)
        assert shown(numbers)["leadline_store_up"] == 0
        assert "kubescape_controls_total_cluster_high" in shown(numbers)
        now[0] += PATIENCE.stale_s + 1
        assert shown(numbers).keys() == {"leadline_build_info", "leadline_store_up", "leadline_store_losses"}
        flaky.is_away = False
        await until(follower, lambda: follower.is_up)
        assert shown(numbers)["leadline_store_losses"] == 1
        assert "kubescape_controls_total_cluster_high" in shown(numbers)
        running.cancel()

    within(scenario)


def test_a_watch_that_is_behind_the_history_lists_anew():
    async def scenario(store: MemoryStore, flaky: Flaky) -> None:
        await store.put(put("a"))
        flaky.gone_once.add(SUMMARIES)
        async with followed(lambda: flaky) as (results, follower):
            await until(follower, lambda: follower.is_up and not flaky.gone_once)
            await store.put(put("b"))
            await until(follower, lambda: len(results.posture.facts) == 2)
            assert flaky.lists == len(results.followed) + 1

    within(scenario)


def test_what_went_while_no_one_looked_is_gone_afterwards():
    async def scenario(store: MemoryStore, flaky: Flaky) -> None:
        first = await store.put(put("a"))
        await store.put(put("b"))
        async with followed(lambda: flaky) as (results, follower):
            flaky.is_away = True
            await until(follower, lambda: not follower.is_up)
            await store.delete(first.key)
            flaky.is_away = False
            await until(follower, lambda: follower.is_up and len(results.posture.facts) == 1)

    within(scenario)


def test_a_watch_without_a_sign_of_life_is_opened_again():
    async def scenario(store: MemoryStore, flaky: Flaky) -> None:
        opened = []

        def open_again() -> Flaky:
            opened.append(flaky)
            flaky.is_silent = len(opened) == 1
            return flaky

        async with followed(open_again, structs.replace(PATIENCE, silence_s=0.2)) as (results, follower):
            await store.put(put("a"))
            await until(follower, lambda: len(results.posture.facts) == 1)
            assert len(opened) > 1

    within(scenario)


def test_a_store_that_is_not_there_yet_is_waited_for(tmp_path: Path):
    async def scenario(store: MemoryStore, flaky: Flaky) -> None:
        await store_posture(store, scan(tmp_path, deployment("web")), EVERYTHING)
        tries = []

        def opened() -> Flaky:
            tries.append(1)
            if len(tries) < 3:
                raise StoreError("there is no store")
            return flaky

        async with followed(opened) as (results, follower):
            assert len(results.posture.facts) > 0
            assert follower.losses == 1

    within(scenario)
