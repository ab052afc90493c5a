"""What the agent says while the runtime or the cluster does not answer: why, once, and when it is over."""

import asyncio
import contextlib
import logging

import pytest

from leadline.errors import ClusterError
from leadline.model.container import Container
from leadline.programs.agent import loop
from leadline.scans.observing import naming as names
from leadline.scans.observing import node_pods


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, loop.log.name)
    for wait in ("READ_EVERY_S", "IDLE_S", "FIRST_WAIT_S", "LONGEST_WAIT_S"):
        monkeypatch.setattr(loop, wait, 0.001)


class Runtime:
    """Does not answer the first three questions."""

    asked = 0

    def container(self, id: str) -> Container | None:
        self.asked += 1
        if self.asked <= 3:
            raise ClusterError("cannot reach the container runtime", hint="unused")
        return None


def test_a_runtime_that_does_not_answer_is_named_once(monkeypatch, caplog):
    runtime = Runtime()
    monkeypatch.setattr(names, "runtimes", lambda socket: (runtime,))
    naming = names.Naming()
    naming(Container(id="a"))

    async def ask() -> None:
        asking = asyncio.ensure_future(loop._ask_runtime(naming))
        async with asyncio.timeout(30):
            while naming.wanted:
                await asyncio.sleep(0.001)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking

    asyncio.run(ask())
    assert caplog.messages == [
        "new containers have no names: cannot reach the container runtime",
        "the container runtime answers again",
    ]


def test_a_cluster_that_does_not_answer_is_named_once_without_advice_for_scans(monkeypatch, caplog):
    asked = 0

    def refuse(node: str, environ: object) -> node_pods.NodePods:
        nonlocal asked
        asked += 1
        why = "no cluster is configured" if asked < 4 else "connection refused"
        raise ClusterError(why, hint="scan files instead")

    monkeypatch.setattr(node_pods, "NodePods", refuse)

    async def follow() -> None:
        following = asyncio.ensure_future(loop._follow_pods(names.Naming("none", has_cluster=True), "n"))
        async with asyncio.timeout(30):
            while asked < 6:
                await asyncio.sleep(0.001)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following

    asyncio.run(follow())
    assert caplog.messages == [
        "workloads of pods are not known: no cluster is configured",
        "workloads of pods are not known: connection refused",
    ]
