"""Has images scanned by processes of this pod. A process ends once nothing has come for a while, and its memory with it."""

import asyncio
import logging
import os
import queue
import sys
import threading
from typing import Protocol

import msgspec
from msgspec import Struct

from leadline.programs.operator.images.jobs import (
    ImageAnswer,
    ImageSettings,
    ImageTask,
    Place,
    Start,
)
from leadline.programs.operator.plan import Outcome
from leadline.programs.serving.chores import settle
from leadline.sources.child_process import Child, Command, Limits
from leadline.untyped import MALFORMED

log = logging.getLogger(__name__)

WORKER = (sys.executable, "-P", "-m", "leadline.programs.operator.images.worker")
LINGER_S = 5.0
"""How long a process that has nothing to do is kept: starting one takes half a second of a core."""
MOST_CPU_S = 300.0
"""That one process takes; the system ends it soon after (``child_process``)."""
START_S = 60.0
MOST_IMAGES = 50
"""That one process scans: what it holds on to is let go of from time to time."""
_ANSWER_BYTES = 4 << 20
_CACHE_BYTES = 1 << 30
_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "KUBECONFIG",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


class Scanner(Protocol):
    """Scans an image somewhere else, and comes back with what became of it."""

    async def scan(self, task: ImageTask) -> ImageAnswer:
        """Never fails: a scanner that breaks is an outcome."""

    async def close(self) -> None:
        """Ends what is under way."""


class _Asked(Struct, frozen=True):
    task: ImageTask
    answered: "asyncio.Future[ImageAnswer]"


class ChildScanner:
    """``settings.workers`` processes at most, each with limits of its own."""

    def __init__(self, settings: ImageSettings, place: Place, command: tuple[str, ...] = WORKER) -> None:
        self._settings = settings
        self._place = place
        self._command = command
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._threads = [
            # A child dies with the thread that started it, so that each has one of its own.
            threading.Thread(target=self._work, name=f"images {number}", daemon=True)
            for number in range(settings.workers)
        ]
        for thread in self._threads:
            thread.start()

    async def scan(self, task: ImageTask) -> ImageAnswer:
        asked = _Asked(task, asyncio.get_running_loop().create_future())
        self._asked.put(asked)
        return await asked.answered

    async def close(self) -> None:
        self._stopped.set()
        for _ in self._threads:
            self._asked.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _work(self) -> None:
        child: Child | None = None
        done = 0
        try:
            while True:
                try:
                    asked = self._asked.get(timeout=LINGER_S if child else None)
                except queue.Empty:
                    _end(child)
                    child = None
                    continue
                if asked is None:
                    return
                if child is None:
                    child, done = self._started(), 0
                answer, is_well = self._ask(child, asked.task)
                done += 1
                if not is_well or done >= MOST_IMAGES or answer.cpu_s > MOST_CPU_S:
                    _end(child)
                    child = None
                settle(asked.answered, answer)
        finally:
            _end(child)

    def _started(self) -> Child:
        settings = self._settings
        limits = Limits(settings.worker_s, settings.worker_memory_mib << 20, _ANSWER_BYTES, _CACHE_BYTES)
        names = (*_KEPT, "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
        found = {name: os.environ[name] for name in names if name in os.environ}
        # Its folder is another.
        if paths := found.get("PYTHONPATH"):
            found["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, paths.split(os.pathsep)))
        command = Command(self._command, os.sep, found, self._stopped)
        child = Child(command, limits)
        # Where it does not start, the first image is answered that way.
        child.ask(msgspec.json.encode(Start(settings, self._place)), START_S)
        return child

    def _ask(self, child: Child, task: ImageTask) -> tuple[ImageAnswer, bool]:
        """What became of ``task``, and whether the child continues."""
        line, fate = child.ask(msgspec.json.encode(task))
        if fate == "ended":
            try:
                return msgspec.json.decode(line, type=ImageAnswer), True
            except MALFORMED:
                return ImageAnswer(self._broken("crashed")), False
        ended = child.end(line, fate)
        # The text of an exception may hold anything that was in the image; its kind does not.
        kind = ended.complaint.rpartition("\n")[2].partition(":")[0][:100]
        log.warning("the process that scanned %s ended: %s %s", task.digest, ended.fate, kind)
        return ImageAnswer(self._broken(ended.fate)), False

    def _broken(self, fate: str) -> Outcome:
        settings = self._settings
        match fate:
            case "out of memory":
                size = settings.worker_memory_mib
                return Outcome(
                    "TooLarge",
                    f"scanning it takes more than {size:,} MiB",
                    "allow more in images.workerMemoryMib",
                )
            case "out of time":
                return Outcome(
                    "Failed",
                    f"scanning it took more than {settings.worker_s:g} s",
                    "allow more in images.workerS",
                )
            case "stopped":
                return Outcome("Stopped")
        return Outcome(
            "Crashed", "the process that scanned it broke down", "it may have been killed for want of memory"
        )


def _end(child: Child | None) -> None:
    if child is not None:
        child.__exit__(None, None, None)
