"""Renews a Lease in a thread of its own, so that nothing which keeps the program busy keeps it from renewing.

The thread has an event loop and a connection of its own. When leadership is lost the program stops its work; where it
does not within the time that is left before others may take over, the thread ends the process.
"""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from leadline.errors import LeadlineError
from leadline.programs.serving.chores import settle
from leadline.programs.serving.kube import Kube

log = logging.getLogger(__name__)
Renew = Callable[[Kube], Awaitable[None]]
"""Renews over a connection again and again, and returns when leadership is lost."""
_TOO_LATE = 4
"""Exit code of a process that could not stop in time."""


def end_process() -> None:
    """At once: what only a leader may do must not continue."""
    os._exit(_TOO_LATE)


class OwnThread:
    """``connect`` makes a connection for the thread; ``end`` is called where the work does not stop in time."""

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
