"""A Lease that is renewed apart from the work, in real time: the work of these tests holds up its event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from leadline.errors import ClusterError
from leadline.programs.operator.lease import Leadership, LeaseSettings, OwnThread
from leadline.programs.serving.kube import KubeError

LONG_S = 60.0
"""No test waits for so long unless it fails."""
DURATION_S, RENEW_S = 3.0, 0.05


class Server:
    """One Lease, for connections of several threads."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.is_away = False
        self.renewals = 0
        self.is_kept = threading.Event()
        """It was renewed for longer than it holds by itself."""

    def connect(self) -> Any:
        return Connection(self)


class Connection:
    def __init__(self, server: Server) -> None:
        self._server = server

    async def get(self, path: str, *, timeout_s: float = 0) -> dict[str, Any] | None:
        if self._server.is_away:
            raise KubeError(0, "no answer")
        return self._server.lease

    async def create(self, path: str, body: dict[str, Any], *, timeout_s: float = 0) -> dict[str, Any]:
        return await self.replace(path, body)

    async def replace(self, path: str, body: dict[str, Any], *, timeout_s: float = 0) -> dict[str, Any]:
        if self._server.is_away:
            raise KubeError(0, "no answer")
        self._server.lease = body
        self._server.renewals += 1
        if self._server.renewals > DURATION_S / RENEW_S:
            self._server.is_kept.set()
        return body

    async def close(self) -> None:
        pass


class Led:
    """What one replica did while it led."""

    def __init__(self, server: Server, work: Callable[[], Awaitable[None]]) -> None:
        self.was_ended = threading.Event()
        """By the thread, because it did not stop."""
        settings = LeaseSettings("leadline", "operator", "one", DURATION_S, RENEW_S)
        leadership = Leadership(server.connect(), settings, OwnThread(server.connect, self.was_ended.set))
        asyncio.run(asyncio.wait_for(leadership.lead(work), 2 * LONG_S))


def test_work_that_holds_up_the_program_for_longer_than_the_lease_lasts_does_not_lose_it():
    server = Server()

    async def work() -> None:
        assert server.is_kept.wait(LONG_S)

    led = Led(server, work)
    assert server.is_kept.is_set()
    assert not led.was_ended.is_set()
    assert server.lease is not None
    assert server.lease["spec"]["holderIdentity"] == "", "given back"


def test_work_is_cancelled_when_the_lease_cannot_be_renewed():
    server, ends = Server(), []

    async def work() -> None:
        server.is_away = True
        try:
            await asyncio.sleep(LONG_S)
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    led = Led(server, work)
    assert ends == ["cancelled"]
    assert not led.was_ended.is_set()


def test_a_program_whose_work_does_not_stop_is_ended_before_another_may_begin():
    server = Server()
    settings = LeaseSettings("leadline", "operator", "one", 0.6, 0.05)
    is_ended = threading.Event()
    leadership = Leadership(server.connect(), settings, OwnThread(server.connect, is_ended.set))

    async def work() -> None:
        server.is_away = True
        assert is_ended.wait(LONG_S), "nothing ends what does not stop"

    asyncio.run(asyncio.wait_for(leadership.lead(work), 2 * LONG_S))
    assert is_ended.is_set()


def test_without_a_connection_to_renew_over_leadership_is_lost():
    def connect() -> Any:
        raise ClusterError("the token is gone")

    settings = LeaseSettings("leadline", "operator", "one", DURATION_S, RENEW_S)
    leadership = Leadership(Server().connect(), settings, OwnThread(connect))

    async def work() -> None:
        await asyncio.sleep(LONG_S)
        pytest.fail("it goes on without a Lease")

    asyncio.run(leadership.lead(work))
