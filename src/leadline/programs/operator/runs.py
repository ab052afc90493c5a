"""Orders: a ScanRun that someone created is one, until it is answered. Kubernetes says who may create them.

Without a phase a run waits to be done. One that was begun by an operator that ended is done again.
"""

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import orjson

from leadline.api.kinds.scans import ScanOrder, ScanOutcome, ScanRules, ScanRun, ScanTarget
from leadline.api.protocol import DELETED, Entry, FutureError, GoneError, Store
from leadline.api.selection import Selection
from leadline.errors import StoreError
from leadline.programs.operator.notices import Notices
from leadline.scans.stored.scan_runs import RUNS, all_of, moment, record
from leadline.version import __version__

log = logging.getLogger(__name__)
AGAIN_S = 5.0
POSTURE = "posture"
IMAGES = "images"
_OF_COMMANDS = "command"
"""The trigger of runs that a command line records of its own scans."""
Body = dict[str, Any]


class Orders:
    """``subjects`` are those that this operator scans; orders for others are refused."""

    def __init__(self, store: Store, subjects: Collection[str], notices: Notices | None = None) -> None:
        """``notices`` says what is wrong with runs; ``None`` where there is no cluster to say it to."""
        self._store = store
        self._notices = notices
        self._waiting: dict[str, dict[str, Body]] = {subject: {} for subject in subjects}
        self._come = {subject: asyncio.Event() for subject in subjects}
        self._are_listed = asyncio.Event()
        self._taken: set[str] = set()
        """Names of those that are being answered."""

    def take(self, subject: str) -> dict[str, str]:
        """The names of all orders that wait, each with its trigger; they are taken for being answered."""
        return {name: str(spec.get("trigger") or "order") for name, spec in self.take_specs(subject).items()}

    def take_specs(self, subject: str) -> dict[str, Body]:
        """As ``take``, each with its ``spec``."""
        orders, self._waiting[subject] = self._waiting[subject], {}
        self._come[subject].clear()
        self._taken |= orders.keys()
        return orders

    async def known(self) -> None:
        """Until the orders that waited at the start are known."""
        await self._are_listed.wait()

    async def wait(self, subject: str) -> None:
        """Until an order waits."""
        await self._come[subject].wait()

    async def run(self) -> None:
        """Follows the runs of the store."""
        is_first = True
        while True:
            try:
                entries = await all_of(self._store, RUNS)
                for entry in entries:
                    await self._look_at(entry, is_left_over=is_first)
                since = max((entry.revision for entry in entries), default=self._store.revision)
                is_first = False
                self._are_listed.set()
                async for changes in self._store.watch(Selection(RUNS), since):
                    for event in changes.events:
                        if event.type == DELETED:
                            self._forget(event.entry.key.name)
                        else:
                            await self._look_at(event.entry, is_left_over=False)
                return
            except (GoneError, FutureError):
                continue
            except StoreError as error:
                log.warning("orders cannot be read, again in %.0f s: %s", AGAIN_S, error)
                await asyncio.sleep(AGAIN_S)

    async def _look_at(self, entry: Entry, *, is_left_over: bool) -> None:
        if self._notices is not None:
            await self._notices.look_at(entry, is_left_over=is_left_over)
        whole = orjson.loads(entry.content.body)
        spec, status = whole.get("spec") or {}, whole.get("status") or {}
        name, phase = entry.key.name, str(status.get("phase") or "")
        is_broken_off = is_left_over and phase == "Running" and spec.get("trigger") != _OF_COMMANDS
        if phase and not is_broken_off:
            self._forget(name)
            self._taken.discard(name)
        elif name not in self._taken:
            subject = str(spec.get("subject") or POSTURE)
            if subject in self._waiting:
                self._waiting[subject][name] = spec
                self._come[subject].set()
            else:
                why = f"this operator does not scan {subject!r}; it scans {' and '.join(self._waiting)}"
                with suppress(StoreError):
                    await record(
                        self._store, name, failed_run(subject, str(spec.get("trigger") or "order"), why)
                    )

    def _forget(self, name: str) -> None:
        for waiting in self._waiting.values():
            waiting.pop(name, None)


def failed_run(subject: str, trigger: str, why: str) -> ScanRun:
    """A run that came to nothing."""
    now = moment()
    order = ScanOrder(ScanTarget("cluster"), trigger, subject, tool=ScanRules("leadline", __version__))
    return ScanRun(order, ScanOutcome("Failed", now, now, why))
