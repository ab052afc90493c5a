"""Leadership by a Lease, with a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

import pytest

from leadline.programs.operator.lease import Leadership, LeaseSettings
from leadline.programs.serving.kube import KubeError

DURATION_S, RENEW_S = 15.0, 5.0


class World:
    """Time, and one API server with one Lease in it. Whoever sleeps is woken in the order of time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.reads = 0
        self.is_away: set[str] = set()
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._count = 0

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        woken = asyncio.Event()
        self._sleepers.append((self.now + seconds, self._count, woken))
        await woken.wait()

    async def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            for _ in range(50):
                await asyncio.sleep(0)
            due = sorted((one for one in self._sleepers if one[0] <= end), key=lambda one: one[:2])
            if not due:
                break
            self._sleepers.remove(due[0])
            self.now = due[0][0]
            due[0][2].set()
        self.now = end


class FakeKube:
    """The connection of one replica."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._name = name

    def _check(self) -> None:
        if self._name in self._world.is_away:
            raise KubeError(0, "no answer")

    async def get(self, path: str, *, timeout_s: float = 0) -> dict[str, Any] | None:
        self._check()
        self._world.reads += 1
        return deepcopy(self._world.lease)

    async def create(self, path: str, body: dict[str, Any], *, timeout_s: float = 0) -> dict[str, Any]:
        self._check()
        if self._world.lease is not None:
            raise KubeError(409, "there is one")
        return self._put(body)

    async def replace(self, path: str, body: dict[str, Any], *, timeout_s: float = 0) -> dict[str, Any]:
        self._check()
        if body["metadata"].get("resourceVersion") != str(self._world.version):
            raise KubeError(409, "it was modified")
        return self._put(body)

    def _put(self, body: dict[str, Any]) -> dict[str, Any]:
        self._world.version += 1
        body = deepcopy(body)
        body["metadata"]["resourceVersion"] = str(self._world.version)
        self._world.lease = body
        return deepcopy(body)


class SameLoop:
    """Renews beside the work, where time is moved by the test."""

    def __init__(self, kube: Any) -> None:
        self._kube = kube

    @asynccontextmanager
    async def renewing(self, renew: Any, left_s: float) -> AsyncIterator[asyncio.Future[None]]:
        task = asyncio.ensure_future(renew(self._kube))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Replica:
    def __init__(self, world: World, name: str) -> None:
        self.is_working = False
        self.times = 0
        settings = LeaseSettings("leadline", "operator", name, DURATION_S, RENEW_S)
        kube: Any = FakeKube(world, name)
        self._leadership = Leadership(kube, settings, SameLoop(kube), lambda: world.now, world.sleep)
        self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while True:
            await self._leadership.lead(self._work)

    async def _work(self) -> None:
        self.is_working = True
        self.times += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.is_working = False


def play(scenario: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        await scenario(World())
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    asyncio.run(run())


def working(*replicas: Replica) -> list[bool]:
    return [replica.is_working for replica in replicas]


def test_one_of_several_works_and_another_takes_over_when_it_is_not_heard_of():
    async def scenario(world: World) -> None:
        one = Replica(world, "one")
        await world.pass_time(1)
        two = Replica(world, "two")
        await world.pass_time(100)
        assert working(one, two) == [True, False]
        world.is_away.add("one")
        await world.pass_time(DURATION_S * 2 / 3 + 1)
        assert working(one, two) == [False, False]
        await world.pass_time(DURATION_S)
        assert working(one, two) == [False, True]
        world.is_away.clear()
        await world.pass_time(100)
        assert working(one, two) == [False, True]
        assert world.lease is not None
        assert world.lease["spec"]["leaseTransitions"] == 1

    play(scenario)


def test_a_leader_that_cannot_renew_stops_before_another_may_begin():
    async def scenario(world: World) -> None:
        one, two = Replica(world, "one"), Replica(world, "two")
        await world.pass_time(60)
        world.is_away.add("one")
        for _ in range(60):
            await world.pass_time(1)
            assert working(one, two) != [True, True]
        assert working(one, two) == [False, True]

    play(scenario)


def test_one_that_ends_gives_it_back_so_that_the_next_need_not_wait():
    async def scenario(world: World) -> None:
        one = Replica(world, "one")
        await world.pass_time(1)
        two = Replica(world, "two")
        await world.pass_time(20)
        one.task.cancel()
        await world.pass_time(RENEW_S + 1)
        assert working(one, two) == [False, True]

    play(scenario)


def test_one_that_is_started_again_under_its_name_goes_on_at_once():
    async def scenario(world: World) -> None:
        one = Replica(world, "one")
        await world.pass_time(20)
        world.is_away.add("one")
        one.task.cancel()
        await world.pass_time(1)
        world.is_away.clear()
        again = Replica(world, "one")
        await world.pass_time(1)
        assert again.is_working

    play(scenario)


@pytest.mark.parametrize("seconds", [RENEW_S, DURATION_S * 2 / 3 - 1])
def test_a_short_silence_of_the_server_ends_nothing(seconds: float):
    async def scenario(world: World) -> None:
        one = Replica(world, "one")
        await world.pass_time(RENEW_S * 2 + 0.5)
        world.is_away.add("one")
        await world.pass_time(seconds - RENEW_S)
        world.is_away.clear()
        await world.pass_time(60)
        assert (one.is_working, one.times) == (True, 1)

    play(scenario)


def test_a_lease_that_someone_else_touches_is_still_held():
    async def scenario(world: World) -> None:
        one = Replica(world, "one")
        await world.pass_time(1)
        assert world.lease is not None
        world.version += 1
        world.lease["metadata"] |= {"resourceVersion": str(world.version), "labels": {"team": "a"}}
        await world.pass_time(60)
        assert (one.is_working, one.times) == (True, 1)
        assert world.lease["metadata"]["labels"] == {"team": "a"}

    play(scenario)


def test_it_is_renewed_by_one_request_for_as_long_as_no_one_touches_it():
    async def scenario(world: World) -> None:
        one = Replica(world, "one")
        await world.pass_time(RENEW_S * 10)
        assert one.is_working
        assert world.reads == 1
        assert world.version >= 10

    play(scenario)
