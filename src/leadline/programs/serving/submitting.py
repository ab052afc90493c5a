"""Follows a store and sends to a provider what changes in it: findings, and what could not be looked at."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any

from msgspec import Struct
from zstandard import ZstdError

from leadline.api.kinds.scans import ScanRun
from leadline.api.posture_results import SCANS
from leadline.api.protocol import Entry, Paging, Readable
from leadline.api.provider.wire import Coverage, Measured, RankedWorkload
from leadline.api.risk_results import RISKS
from leadline.api.selection import Key, Selection
from leadline.api.stored import Reader
from leadline.backoff import backoff_s
from leadline.errors import LeadlineError, StoreError
from leadline.programs.serving.following import Followed, Follower
from leadline.scans.stored.image_results import MANIFESTS
from leadline.scans.stored.scan_runs import FOLLOWING, RUNS, STALE
from leadline.scans.submitting.changing import ChangeSender
from leadline.scans.submitting.outbox import Seen, place_of
from leadline.scans.submitting.sending import DoubtError
from leadline.scans.submitting.stored_findings import (
    ImageFact,
    StoredFacts,
    image_fact,
    rank_fact,
    stored_content,
    stored_facts,
)
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
        self.ranks = Followed[RankedWorkload](RISKS, rank_fact)
        self.images = Followed[ImageFact](MANIFESTS, image_fact, with_body=False)

    @property
    def followed(self) -> tuple[Followed[Any], ...]:
        return (self.results, self.runs, self.ranks, self.images)

    @property
    def objects(self) -> frozenset[Key]:
        return frozenset(self.results.facts)

    def seen(self) -> Seen:
        facts = [one for _, one in sorted(self.results.facts.items())]
        return Seen(
            {(one.fingerprint, one.ordinal): one for each in facts for one in each.findings},
            frozenset(mark for each in facts for mark in each.undecided),
            is_whole=not self.results.unreadable,
            ranks=None
            if self.ranks.unreadable
            else {place_of(one): one for one in self.ranks.facts.values()},
            images=None
            if self.images.unreadable
            else frozenset(one.digest for one in self.images.facts.values()),
        )

    def measured(self, now: datetime) -> Measured:
        """What could not be read in the store counts as unread."""
        runs = [one for one in self.runs.facts.values() if one is not None]
        newest = max(runs, key=lambda one: one.revision, default=None)
        controls = {one.control for facts in self.results.facts.values() for one in facts.findings}
        unreadable = (self.results, self.ranks, self.images)
        unread = sum(len(one.unreadable) for one in unreadable) + (newest.unread if newest else 1)
        at = f"{newest.at}Z" if newest and newest.at else now.strftime("%Y-%m-%dT%H:%M:%SZ")
        rules = sha256(PROGRAM.encode()).hexdigest()
        database = max((one.database for one in self.images.facts.values()), default="")
        coverage = Coverage(len(self.results.facts), len(controls), unread)
        return Measured(at, PROGRAM, coverage, rules, database=database)


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

    async def run(self) -> None:
        """Raises: ``DoubtError``: a provider that shows another past gets nothing more."""
        async with self._following():
            await self._send_on()

    async def once(self, patience_s: float = 60.0) -> int:
        """What differs now, and a sign of life; the messages. Raises: ``NotDeliveredError``, ``LeadlineError`` for a store that does not answer."""
        async with self._following():
            try:
                async with asyncio.timeout(patience_s):
                    while not self._follower.is_up:
                        await self._follower.changed.wait()
                return await self._send(is_due=True)
            except TimeoutError:
                raise StoreError("the store does not answer") from None

    @asynccontextmanager
    async def _following(self) -> AsyncIterator[None]:
        following = asyncio.ensure_future(self._follower.run())
        try:
            yield
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
                        log.info("messages delivered: %d", count)
                    failures = 0
                except DoubtError:
                    raise
                except (LeadlineError, OSError) as error:
                    failures += 1
                    log.error("not delivered: %s", error)
                    await asyncio.sleep(backoff_s(failures, self._pace.again_s, self._pace.longest_s))
                    with suppress(sqlite3.Error):
                        self._sender.note(self._found.seen().findings)
                    continue
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self._pace.every_s, 30.0)):
                    await changed.wait()
            await asyncio.sleep(self._pace.settle_s)

    async def _send(self, *, is_due: bool) -> int:
        seen, objects = self._found.seen(), self._found.objects
        measured, deleted = self._found.measured(self._now()), len(self._objects - objects)

        def send() -> int:
            self._sender.note(seen.findings)
            return self._sender.send(seen, measured, deleted, is_due=is_due)

        count = await _in_thread(send)
        self._objects = objects
        return count + await self._send_images()

    async def _send_images(self) -> int:
        """One at a time, so that one is held in memory; the messages."""
        count = 0
        for key, fact in sorted(self._found.images.facts.items(), key=lambda one: one[1].version):
            name = f"{key.namespace}/{key.name}"
            store = self._follower.store
            if store is None or not await _in_thread(partial(self._sender.wants, name, fact.version)):
                continue
            page = await store.list(Selection(key.plural, key.namespace, key.name), Paging(limit=1))
            entry = next((one for one in page.entries if one.key == key), None)
            content = await asyncio.to_thread(stored_content, entry) if entry is not None else None
            if content is not None:
                sent = partial(self._sender.send_image, content, name, fact.version)
                count += await _in_thread(sent)
        return count


async def _in_thread(work: Callable[[], int]) -> int:
    """The outbox belongs to that thread until it is done. Raises: ``StoreError``, ``NotDeliveredError``."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except (sqlite3.Error, ZstdError) as error:
        raise StoreError(f"cannot use the outbox: {error}") from error
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise
