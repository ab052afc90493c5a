"""Follows a store and sends to a provider what changes in it: findings, and what could not be looked at."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from msgspec import Struct
from zstandard import ZstdError

from leadline.api.kinds.scans import ScanRun
from leadline.api.posture_results import SCANS
from leadline.api.protocol import Entry, Readable
from leadline.api.provider.wire import Coverage, FoundFinding, Measured
from leadline.api.selection import Key
from leadline.api.stored import Reader
from leadline.backoff import backoff_s
from leadline.errors import LeadlineError, StoreError
from leadline.programs.serving.following import Followed, Follower
from leadline.scans.stored.scan_runs import FOLLOWING, RUNS, STALE
from leadline.scans.submitting.changing import ChangeSender
from leadline.scans.submitting.outbox import Mark, Stays
from leadline.scans.submitting.sending import DoubtError
from leadline.scans.submitting.stored_findings import StoredFacts, stored_facts
from leadline.scans.submitting.submission import PROGRAM

log = logging.getLogger(__name__)
_run_of = Reader(ScanRun)


class Pace(Struct, frozen=True):
    settle_s: float = 5.0
    """After a change, for those that come with it."""
    every_s: float = 3_600.0
    """Without a change, a sign of life."""
    again_s: float = 5.0
    """Before a message that was not delivered is tried again; doubles up to ``longest_s``."""
    longest_s: float = 300.0


class Run(Struct, frozen=True):
    """A scan of everything, as far as a provider is interested."""

    revision: int
    at: str
    """When it ended, or was last heard of."""
    unread: int


def _run(entry: Entry) -> Run | None:
    """``None`` for one that says nothing about all objects. Raises: ``StoreError``."""
    run = _run_of(entry)
    status = run.status
    is_whole = (run.spec.subject or "posture") == "posture" and run.spec.scope == "everything"
    if not is_whole or status.phase not in (FOLLOWING, STALE, "Succeeded"):
        return None
    # Results that nothing keeps current are one more thing that is not known.
    stale = 1 if status.phase == STALE else 0
    return Run(
        entry.revision, (status.seen_at or status.finished_at)[:19], max(0, status.coverage.unread) + stale
    )


class StoredFindings:
    """Kept current by a follower."""

    def __init__(self) -> None:
        self.results = Followed[StoredFacts](SCANS, stored_facts)
        self.runs = Followed[Run | None](RUNS, _run)

    @property
    def followed(self) -> tuple[Followed[Any], ...]:
        return (self.results, self.runs)

    @property
    def objects(self) -> frozenset[Key]:
        return frozenset(self.results.facts)

    def current(self) -> dict[Mark, FoundFinding]:
        found: dict[Mark, FoundFinding] = {}
        for _, facts in sorted(self.results.facts.items()):
            for one in facts.findings:
                found[one.fingerprint, one.ordinal] = one
        return found

    def stays(self) -> Stays:
        """What was open stays so where a control could not judge, and all of it while a result cannot be read."""
        is_unreadable = bool(self.results.unreadable)
        undecided = {mark for facts in self.results.facts.values() for mark in facts.undecided}
        return lambda mark: is_unreadable or mark[0] in undecided

    def measured(self, now: datetime) -> Measured:
        """What could not be read in the store counts as unread."""
        runs = [one for one in self.runs.facts.values() if one is not None]
        newest = max(runs, key=lambda one: one.revision, default=None)
        controls = {one.control for facts in self.results.facts.values() for one in facts.findings}
        unread = len(self.results.unreadable) + (newest.unread if newest else 1)
        at = f"{newest.at}Z" if newest and newest.at else now.strftime("%Y-%m-%dT%H:%M:%SZ")
        rules = sha256(PROGRAM.encode()).hexdigest()
        return Measured(at, PROGRAM, Coverage(len(self.results.facts), len(controls), unread), rules)


class Submitting:
    """``run`` does not return."""

    def __init__(
        self,
        sender: ChangeSender,
        opened: Callable[[], Readable],
        pace: Pace = Pace(),  # noqa: B008 frozen
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sender = sender
        self._found = StoredFindings()
        self._follower = Follower(self._found, opened)
        self._pace = pace
        self._now = now
        self._objects: frozenset[Key] = frozenset()
        self._sent_at: float | None = None
        self.why_not_delivered = ""
        """Of the last message; empty where it arrived."""

    async def run(self) -> None:
        """Raises: ``DoubtError``: a provider that shows another past gets nothing more."""
        following = asyncio.ensure_future(self._follower.run())
        try:
            await self._send_on()
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    async def once(self, patience_s: float = 60.0) -> int:
        """What differs now, and a sign of life; the messages. Raises: ``NotDeliveredError``, ``LeadlineError`` for a store that does not answer."""
        following = asyncio.ensure_future(self._follower.run())
        try:
            async with asyncio.timeout(patience_s):
                while not self._follower.is_up:
                    await self._follower.changed.wait()
            return await self._send(is_due=True)
        except TimeoutError:
            raise StoreError("the store does not answer") from None
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    async def _send_on(self) -> None:
        failures = 0
        while True:
            changed = self._follower.changed
            # Half a list is not a state: what is missing from it would count as gone.
            if self._follower.is_up:
                try:
                    is_due = self._sent_at is None or time.monotonic() - self._sent_at >= self._pace.every_s
                    if count := await self._send(is_due=is_due):
                        self._sent_at = time.monotonic()
                        log.info("%d messages were delivered", count)
                    failures, self.why_not_delivered = 0, ""
                except DoubtError:
                    raise
                except (LeadlineError, OSError) as error:
                    failures += 1
                    self.why_not_delivered = str(error)
                    log.error("not delivered: %s", error)
                    await asyncio.sleep(backoff_s(failures, self._pace.again_s, self._pace.longest_s))
                    with suppress(sqlite3.Error):
                        self._sender.note(self._found.current())
                    continue
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self._pace.every_s, 30.0)):
                    await changed.wait()
            await asyncio.sleep(self._pace.settle_s)

    async def _send(self, *, is_due: bool) -> int:
        current, objects = self._found.current(), self._found.objects
        measured = self._found.measured(self._now())
        deleted, stays = len(self._objects - objects), self._found.stays()

        def send() -> int:
            try:
                self._sender.note(current)
                return self._sender.send(current, measured, deleted, is_due=is_due, stays=stays)
            except (sqlite3.Error, ZstdError) as error:
                raise StoreError(f"cannot use the outbox: {error}") from error

        sending = asyncio.ensure_future(asyncio.to_thread(send))
        try:
            count = await asyncio.shield(sending)
        except asyncio.CancelledError:
            # The outbox belongs to that thread until it is done.
            await asyncio.wait({sending})
            raise
        self._objects = objects
        return count
