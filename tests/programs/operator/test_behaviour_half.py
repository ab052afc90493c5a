"""The operator follows what agents record: not without a record, again after a failure, and not more often than it is to."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from leadline.api.selection import Key
from leadline.errors import ClusterError
from leadline.model.container import Container
from leadline.model.profile import Profile
from leadline.model.resource import resource_of
from leadline.programs.operator.behaviour import Behaviour
from leadline.scans.rehearsing.target import RehearsalTarget
from leadline.scans.stored.behaviour import store_profile
from memory_store import MemoryStore

LABELS = {"app": "web"}
WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web"}]}}},
}
PROFILE = Profile(
    Container("c1", "web", namespace="shop", workload_kind="Deployment", workload="web", revision="5d4f"),
    "complete", (), syscalls=("read",), users=(7,), since_s=1.0, until_s=2.0,
)  # fmt: skip
KEY = Key("suggestions", "shop", "deployment-web")


class Cluster:
    """``fails`` so many times."""

    def __init__(self, fails: int = 0) -> None:
        self.reads = 0
        self.fails = fails

    def __call__(self) -> RehearsalTarget:
        self.reads += 1
        if self.reads <= self.fails:
            raise ClusterError("the cluster does not answer")
        return RehearsalTarget((resource_of(WEB),), (), ())


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.005)


def test_the_cluster_is_read_once_something_is_recorded_and_not_again_too_soon():
    async def scenario() -> None:
        store, cluster = MemoryStore(), Cluster()
        half = asyncio.ensure_future(Behaviour(store, cluster, 3600.0, 0.005).run())
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert cluster.reads == 0
        await store_profile(store, PROFILE, 60.0, 100.0)
        found = None
        async with asyncio.timeout(30):
            while found is None:
                await asyncio.sleep(0.005)
                found = await store.get(KEY)
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert cluster.reads == 1
        half.cancel()

    asyncio.run(scenario())


def test_a_cluster_that_does_not_answer_is_asked_again_and_said_once(caplog: pytest.LogCaptureFixture):
    async def scenario() -> None:
        store, cluster = MemoryStore(), Cluster(fails=3)
        await store_profile(store, PROFILE, 60.0, 100.0)
        half = asyncio.ensure_future(Behaviour(store, cluster, 0.0, 0.005).run())
        await until(lambda: cluster.reads >= 5)
        assert await store.get(KEY) is not None
        half.cancel()

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert [one.message for one in caplog.records if "not followed" in one.message] == [
        "what agents recorded is not followed: the cluster does not answer; tried again"
    ]
