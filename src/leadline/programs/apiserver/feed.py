"""The newest changes, read once for all watchers that show no bodies and select by no labels.

A thousand watchers that wake for one write would otherwise read the same row a thousand times.
"""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import AsyncIterator
from typing import Protocol

from leadline.api.protocol import Changes, Event, GoneError
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError
from leadline.programs.apiserver.encoding.forms import Shown

log = logging.getLogger(__name__)
KEPT_CHANGES = 1_000
"""Batches; who is further behind reads from the store."""
_AGAIN_S = 1.0
_KEPT_LINES = 2_000


class ClosedError(Exception):
    """There will be no more changes."""


class Following(Protocol):
    """Where a watcher takes its changes from."""

    async def next(self, seconds: float) -> Changes | None:
        """``None`` where nothing came in time.

        Raises:
            GoneError: the watcher has fallen behind the history.
            ClosedError: so is the store.
        """

    async def close(self) -> None:
        """No more is asked for."""


class Watched(Protocol):
    """What of a store is followed here."""

    @property
    def revision(self) -> int: ...

    def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]: ...


class Feed:
    """Kept current by ``run``, which does not return."""

    def __init__(self, store: Watched) -> None:
        """One that is not run hands each watcher on to ``store``."""
        self.keep = KEPT_CHANGES
        """Half of the batches that are kept at most."""
        self._store = store
        self._kept: list[Changes] = []
        self._from = 0
        """Everything after this revision is in ``_kept``; 0 while no one reads for us."""
        self._upto = 0
        self._moved = asyncio.Event()
        self._lines: dict[tuple[int, Key, str, str, str], bytes] = {}

    async def run(self) -> None:
        while True:
            try:
                self._kept, self._from = [], self._store.revision
                self._upto = self._from
                async for changes in self._store.watch(Selection(with_body=False), self._from):
                    self._take(changes)
                return
            except (GoneError, StoreError) as error:
                log.warning("watchers read for themselves: %s", error)
                self._from = 0
                self._move()
            await asyncio.sleep(_AGAIN_S)

    def written(self, event: Event, shown: Shown) -> bytes:
        """``event`` as watchers are sent it, worked out once for all that want the same form."""
        if shown.needs_body:
            return event_line(event.type, shown.one(event.entry))
        key = (event.entry.revision, event.entry.key, event.type, shown.form, shown.include)
        line = self._lines.get(key)
        if line is None:
            if len(self._lines) >= _KEPT_LINES:
                self._lines.clear()
            line = self._lines[key] = event_line(event.type, shown.one(event.entry))
        return line

    def follow(self, selection: Selection, since: int) -> Following:
        """Everything after ``since``; of this feed where that is possible, otherwise of the store itself."""
        if selection.labels or selection.with_body or not self._holds(since):
            return FollowingStore(self._store, selection, since)
        return _FollowingFeed(self, selection, since)

    async def after(self, selection: Selection, since: int, seconds: float) -> Changes | None:
        """Raises: ``LookupError`` where this feed no longer holds what came after ``since``."""
        while True:
            if not self._holds(since):
                raise LookupError
            if self._upto > since:
                first = bisect_right(self._kept, since, key=lambda changes: changes.revision)
                events = tuple(
                    event
                    for changes in self._kept[first:]
                    for event in changes.events
                    if event.entry.revision > since and selection.covers(event.entry.key)
                )
                return Changes(events, self._upto)
            moved = self._moved
            try:
                async with asyncio.timeout(seconds):
                    await moved.wait()
            except TimeoutError:
                return None

    def _holds(self, since: int) -> bool:
        return bool(self._from) and since >= self._from

    def _take(self, changes: Changes) -> None:
        self._kept.append(changes)
        if len(self._kept) > 2 * self.keep:
            self._from = self._kept[self.keep - 1].revision
            del self._kept[: self.keep]
        self._upto = changes.revision
        self._move()

    def _move(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


class FollowingStore:
    def __init__(self, store: Watched, selection: Selection, since: int) -> None:
        self._changes: AsyncIterator[Changes] = store.watch(selection, since)
        self._coming: asyncio.Future[Changes] | None = None

    async def next(self, seconds: float) -> Changes | None:
        if self._coming is None:
            self._coming = asyncio.ensure_future(_next(self._changes))
        await asyncio.wait({self._coming}, timeout=seconds)
        if not self._coming.done():
            return None
        coming, self._coming = self._coming, None
        return coming.result()

    async def close(self) -> None:
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait({self._coming})


class _FollowingFeed:
    def __init__(self, feed: Feed, selection: Selection, since: int) -> None:
        self._feed = feed
        self._selection = selection
        self._since = since
        self._own: Following | None = None

    async def next(self, seconds: float) -> Changes | None:
        if self._own is None:
            try:
                changes = await self._feed.after(self._selection, self._since, seconds)
            except LookupError:
                self._own = FollowingStore(self._feed._store, self._selection, self._since)
            else:
                if changes is not None:
                    self._since = changes.revision
                return changes
        return await self._own.next(seconds)

    async def close(self) -> None:
        if self._own is not None:
            await self._own.close()


async def _next(changes: AsyncIterator[Changes]) -> Changes:
    try:
        return await anext(changes)
    except StopAsyncIteration:
        # A task cannot end with this one.
        raise ClosedError from None


def event_line(type_: str, content: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), content)
