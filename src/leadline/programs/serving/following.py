"""Keeps the results current: lists each kind once, watches it from there, and knows when the store is lost."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from leadline.api.protocol import (
    DELETED,
    Changes,
    Entry,
    FutureError,
    GoneError,
    Paging,
    Readable,
    TokenError,
)
from leadline.api.selection import Key, Selection
from leadline.backoff import backoff_s
from leadline.errors import LeadlineError, StoreError
from leadline.programs.serving.chores import first_of
from leadline.scans.stored.scan_runs import RUNS

log = logging.getLogger(__name__)
T = TypeVar("T")
PAGE = 200
AT_ONCE = 10
"""Objects that are read before others have a turn: one takes some 0.3 ms."""
PAGE_BYTES = 2**20
"""Bodies are passed over once, so that small pages cost little and keep memory small."""


class Kept(Protocol):
    """What is kept current."""

    @property
    def followed(self) -> "tuple[Followed[Any], ...]":
        """Each kind once."""


class Followed(Generic[T]):
    """The facts of one kind of object."""

    def __init__(self, plural: str, read: Callable[[Entry], T | None], *, with_body: bool = True) -> None:
        """``read`` gives ``None`` for what is not followed."""
        self.plural = plural
        self.with_body = with_body
        self.facts: dict[Key, T] = {}
        self.unreadable: set[Key] = set()
        self.version = 0
        """Grows with each change."""
        self._read = read

    def anew(self) -> "Followed[T]":
        """An empty one of the same kind, to be filled while this one still answers."""
        return Followed(self.plural, self._read, with_body=self.with_body)

    def become(self, other: "Followed[T]") -> None:
        """All that ``other`` holds, in place of what was here."""
        self.facts, self.unreadable = other.facts, other.unreadable
        self.version += 1

    def put(self, entry: Entry) -> None:
        self.drop(entry.key)
        try:
            fact = self._read(entry)
            if fact is not None:
                self.facts[entry.key] = fact
        except StoreError as error:
            self.unreadable.add(entry.key)
            log.warning("%s", error)

    def drop(self, key: Key) -> None:
        self.facts.pop(key, None)
        self.unreadable.discard(key)
        self.version += 1


class Patience(Struct, frozen=True):
    beat_s: float = 15.0
    """Between two questions whether the store answers."""
    answer_s: float = 10.0
    """For the store to answer one of them."""
    silence_s: float = 150.0
    """Without a sign of life, a watch has been lost. The API server gives one each minute."""
    again_s: float = 2.0
    """Before the store is opened again; doubles up to ``longest_s``."""
    longest_s: float = 60.0
    stale_s: float = 45.0
    """After the last answer, numbers disappear."""


class Follower:
    """``run`` does not return. ``opened`` makes a connection to the store, as often as it is lost."""

    def __init__(
        self,
        results: Kept,
        opened: Callable[[], Readable],
        patience: Patience = Patience(),  # noqa: B008 frozen
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._results = results
        self._opened = opened
        self._patience = patience
        self._clock = clock
        self._listed: set[str] = set()
        self._answered_at: float | None = None
        self._is_answering = False
        self.losses = 0
        """How often the store was lost."""
        self.store: Readable | None = None
        self.changed = asyncio.Event()
        """Set, and replaced, whenever the results or what is known of the store change."""

    @property
    def is_up(self) -> bool:
        """Whether the store answers, and all of it has been read."""
        return self._is_answering and self.is_fresh

    @property
    def is_fresh(self) -> bool:
        """Whether the numbers may be shown: they are those of a moment ago at most."""
        if self._answered_at is None or len(self._listed) < len(self._results.followed):
            return False
        return self._clock() - self._answered_at <= self._patience.stale_s

    @property
    def is_lost(self) -> bool:
        """Whether it was asked, and did not answer."""
        return self.losses > 0 and not self._is_answering

    @property
    def listed(self) -> frozenset[str]:
        """Plurals of the kinds that have been read since the store was opened."""
        return frozenset(self._listed)

    async def run(self) -> None:
        failures = 0
        while True:
            try:
                self.store = self._opened()
                await first_of(self._heartbeat(self.store), *self._kinds(self.store))
            except (LeadlineError, OSError, ValueError) as error:
                # Answers that are not JSON are ValueErrors.
                if self.is_up:
                    failures = 0
                self._lose(error)
            finally:
                self._listed.clear()
                if self.store is not None:
                    await self.store.close()
                    self.store = None
            failures += 1
            await asyncio.sleep(backoff_s(failures, self._patience.again_s, self._patience.longest_s))

    def _kinds(self, store: Readable) -> list[Awaitable[None]]:
        return [self._follow(store, kind) for kind in self._results.followed]

    async def _follow(self, store: Readable, kind: Followed[Any]) -> None:
        while True:
            try:
                since = await self._list(store, kind)
                self._listed.add(kind.plural)
                self._wake()
                async for changes in self._signs_of_life(store.watch(_selection(kind), since)):
                    for event in changes.events:
                        if event.type == DELETED:
                            kind.drop(event.entry.key)
                        else:
                            kind.put(event.entry)
                    if changes.events:
                        self._wake()
                raise StoreError(f"the watch of {kind.plural} has ended")
            except (GoneError, FutureError, TokenError) as error:
                log.info("%s is listed again: %s", kind.plural, error)
                self._listed.discard(kind.plural)
                await asyncio.sleep(self._patience.again_s)

    async def _list(self, store: Readable, kind: Followed[Any]) -> int:
        """The revision that the list shows."""
        filling = kind.anew()
        page = await store.list(_selection(kind), Paging("", PAGE, PAGE_BYTES))
        while True:
            for number, entry in enumerate(page.entries, 1):
                filling.put(entry)
                if number % AT_ONCE == 0:
                    # Who asks meanwhile is answered meanwhile.
                    await asyncio.sleep(0)
            if not page.token:
                kind.become(filling)
                return page.revision
            page = await store.list(_selection(kind), Paging(page.token, PAGE, PAGE_BYTES))

    async def _signs_of_life(self, watch: AsyncIterator[Changes]) -> AsyncIterator[Changes]:
        while True:
            try:
                async with asyncio.timeout(self._patience.silence_s):
                    changes = await anext(watch)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise StoreError("the store gives no sign of life") from None
            yield changes

    async def _heartbeat(self, store: Readable) -> None:
        """Asks for next to nothing, over and over: a watch that hears nothing cannot say whether there is anything."""
        while True:
            try:
                async with asyncio.timeout(self._patience.answer_s):
                    await store.list(Selection(RUNS, with_body=False), Paging("", 1))
                self._answered_at = self._clock()
                if not self._is_answering:
                    self._is_answering = True
                    self._wake()
            except TimeoutError:
                self._lose(StoreError("it does not answer"))
            except (GoneError, FutureError):
                pass
            except StoreError as error:
                # Watches take up again where they were closed; nothing has to be listed again for it.
                self._lose(error)
            await asyncio.sleep(self._patience.beat_s)

    def _lose(self, error: Exception) -> None:
        if self._is_answering or not self.losses:
            log.error("the store is lost: %s", error)
            self.losses += 1
        self._is_answering = False
        self._wake()

    def _wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


def _selection(kind: Followed[Any]) -> Selection:
    return Selection(kind.plural, with_body=kind.with_body)
