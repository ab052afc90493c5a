"""Leadership by a Lease: of several replicas one works, and another takes over when it is not heard of any more.

The rules are those of the controllers of Kubernetes. A replica never compares the times in a Lease with its own
clock: it waits until the Lease has not changed for its duration, by a clock of its own. A leader that could not renew
stops before others may take over, and renews apart from its work: that may keep its event loop busy for long.
Source: https://kubernetes.io/docs/concepts/architecture/leases/
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Protocol

from msgspec import Struct

from leadline.errors import LeadlineError
from leadline.programs.serving.chores import settle
from leadline.programs.serving.kube import Kube, KubeError

log = logging.getLogger(__name__)
Body = dict[str, Any]
Clock = Callable[[], float]
_MARGIN = 2 / 3
"""Of a Lease's duration: after so long without a renewal a leader stops."""


class Apart(Protocol):
    def renewing(
        self, renew: Callable[[Kube], Awaitable[None]], left_s: float
    ) -> AbstractAsyncContextManager[asyncio.Future[None]]:
        """As ``OwnThread.renewing``."""


class LeaseSettings(Struct, frozen=True):
    namespace: str
    name: str
    identity: str
    duration_s: float = 15.0
    renew_s: float = 3.0


class Leadership:
    """One replica's part in it."""

    def __init__(
        self,
        kube: Kube,
        settings: LeaseSettings,
        apart: Apart,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._kube = kube
        self._settings = settings
        self._apart = apart
        self._clock = clock
        self._sleep = sleep
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{settings.namespace}/leases"
        self._seen: tuple[str, str, float] | None = None
        """Holder and moment of renewal in the Lease, and since when by our clock it has said so."""
        self._held: Body | None = None
        """The Lease as we wrote it last; one request then renews it."""
        self._renewed = 0.0
        """When we began to ask for the renewal that was granted last, by our clock."""
        self._said = ""

    async def lead(self, work: Callable[[], Awaitable[None]]) -> None:
        """Waits to lead, works, and returns when ``work`` has ended or leadership is lost; then it is given back.

        ``work`` is cancelled at once where leadership is lost.
        """
        settings = self._settings
        self._seen = self._held = None
        began = self._clock()
        while not await self._try(self._kube):
            await self._sleep(settings.renew_s)
            began = self._clock()
        self._renewed = began
        log.info("%s leads", settings.identity)
        working: asyncio.Future[None] | None = None
        try:
            async with self._apart.renewing(self._renew, settings.duration_s * (1 - _MARGIN)) as lost:
                working = asyncio.ensure_future(work())
                try:
                    await asyncio.wait({working, lost}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    working.cancel()
                    await asyncio.gather(working, return_exceptions=True)
        finally:
            await self._release()
        if working.done() and not working.cancelled():
            working.result()

    async def _renew(self, kube: Kube) -> None:
        """Returns when leadership is lost: where it cannot be renewed, when two thirds of its time are over."""
        settings = self._settings
        while (left_s := self._renewed + settings.duration_s * _MARGIN - self._clock()) > 0:
            await self._sleep(min(settings.renew_s, left_s))
            began = self._clock()
            left_s = self._renewed + settings.duration_s * _MARGIN - began
            try:
                async with asyncio.timeout(left_s):
                    if not await self._try(kube):
                        log.error("another replica leads: %s stops", settings.identity)
                        return
                self._renewed = began
            except KubeError as error:
                self._say(f"cannot renew the Lease: {error}")
            except TimeoutError:
                self._say("cannot renew the Lease: the API server is slow")
        log.error(
            "the Lease could not be renewed for %.0f s: %s stops",
            self._clock() - self._renewed,
            settings.identity,
        )

    async def _try(self, kube: Kube) -> bool:
        """Whether we lead now. While we wait for it, a server that does not answer is said and waited for."""
        try:
            return await self._take(kube)
        except KubeError as error:
            if self._seen is not None and self._seen[0] == self._settings.identity:
                raise
            if error.status == 409:
                return False
            self._say(f"cannot read the Lease {self._settings.name}: {error}")
            return False

    async def _take(self, kube: Kube) -> bool:
        settings = self._settings
        # Two that are not answered may fail before the Lease is lost.
        timeout_s = max(1.0, settings.duration_s * _MARGIN / 3)
        if (held := self._held) is not None:
            self._held = None
            try:
                return await self._write(kube, held, timeout_s)
            except KubeError as error:
                # Someone has touched it since: it is read before it is written again.
                if error.status not in (404, 409):
                    raise
        lease = await kube.get(f"{self._path}/{settings.name}", timeout_s=timeout_s)
        if lease is None:
            made = await kube.create(self._path, self._lease({}, 0), timeout_s=timeout_s)
            self._held = made
            return self._see(made)
        spec = lease.get("spec") or {}
        self._see(lease)
        holder = str(spec.get("holderIdentity") or "")
        if holder not in ("", settings.identity) and not self._has_expired(spec):
            return False
        return await self._write(kube, lease, timeout_s)

    async def _write(self, kube: Kube, old: Body, timeout_s: float) -> bool:
        """Puts us into the Lease, which has to be as it was in ``old``."""
        settings, spec = self._settings, old.get("spec") or {}
        is_other = str(spec.get("holderIdentity") or "") != settings.identity
        taken = self._lease(old, int(spec.get("leaseTransitions") or 0) + is_other)
        written = await kube.replace(f"{self._path}/{settings.name}", taken, timeout_s=timeout_s)
        self._held = written
        return self._see(written)

    def _see(self, lease: Body) -> bool:
        """Notes what a Lease says; whether we hold it."""
        spec = lease.get("spec") or {}
        said = str(spec.get("holderIdentity") or ""), str(spec.get("renewTime") or "")
        if self._seen is None or self._seen[:2] != said:
            self._seen = (*said, self._clock())
        return said[0] == self._settings.identity

    def _has_expired(self, spec: Body) -> bool:
        duration = spec.get("leaseDurationSeconds") or self._settings.duration_s
        return self._seen is not None and self._clock() - self._seen[2] >= float(duration)

    def _lease(self, old: Body, transitions: int) -> Body:
        settings = self._settings
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = old.get("spec") or {}
        is_ours = spec.get("holderIdentity") == settings.identity
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": old.get("metadata") or {"name": settings.name, "namespace": settings.namespace},
            "spec": {
                "holderIdentity": settings.identity,
                "leaseDurationSeconds": max(1, round(settings.duration_s)),
                "acquireTime": spec.get("acquireTime") if is_ours and spec.get("acquireTime") else now,
                "renewTime": now,
                "leaseTransitions": transitions,
            },
        }

    async def _release(self) -> None:
        """So that the next need not wait; where it cannot be said, the next waits."""
        try:
            lease = await self._kube.get(f"{self._path}/{self._settings.name}", timeout_s=2.0)
            if lease is None or (lease.get("spec") or {}).get("holderIdentity") != self._settings.identity:
                return
            given = self._lease(lease, int(lease["spec"].get("leaseTransitions") or 0))
            given["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
            await self._kube.replace(f"{self._path}/{self._settings.name}", given, timeout_s=2.0)
        except KubeError as error:
            log.warning("the Lease could not be given back: %s", error)

    def _say(self, what: str) -> None:
        """Once for as long as it continues."""
        if what != self._said:
            log.warning("%s", what)
            self._said = what


Renew = Callable[[Kube], Awaitable[None]]
"""Renews over a connection again and again, and returns when leadership is lost."""
_TOO_LATE = 4
"""Exit code of a process that could not stop in time."""


def end_process() -> None:
    """At once: what only a leader may do must not continue."""
    os._exit(_TOO_LATE)


class OwnThread:
    """Renews in a thread with an event loop and a connection of its own, so that nothing which keeps the program busy keeps it from that.

    ``connect`` makes that connection. When leadership is lost the program stops its work; ``end`` is called where it does not
    within the time that is left before others may take over.
    """

    def __init__(self, connect: Callable[[], Kube], end: Callable[[], None] = end_process) -> None:
        self._connect = connect
        self._end = end

    @asynccontextmanager
    async def renewing(self, renew: Renew, left_s: float) -> AsyncGenerator[asyncio.Future[None], None]:
        """Renews while the body runs. What is given is done when leadership is lost; the body has to end within ``left_s`` then."""
        lost, gone = asyncio.Future[None](), asyncio.Future[None]()
        apart, has_ended = asyncio.new_event_loop(), threading.Event()
        task = apart.create_task(self._renew(renew))

        def run() -> None:
            with suppress(asyncio.CancelledError):
                apart.run_until_complete(task)
            apart.close()
            settle(lost, None)
            if not has_ended.wait(left_s):
                log.critical("the work of a leader does not stop, and others may begin: the process ends")
                self._end()
            settle(gone, None)

        threading.Thread(target=run, name="lease", daemon=True).start()
        try:
            yield lost
        finally:
            has_ended.set()
            with suppress(RuntimeError):  # it has ended by itself
                apart.call_soon_threadsafe(task.cancel)
            await gone

    async def _renew(self, renew: Renew) -> None:
        try:
            kube = self._connect()
        except LeadlineError as error:
            log.error("the Lease cannot be renewed: %s", error)
            return
        try:
            await renew(kube)
        finally:
            await kube.close()
