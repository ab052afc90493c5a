"""``watch``: initial events, what comes after, bookmarks; a watcher holds no queue and is dropped when it does not read."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from leadline.api.protocol import ADDED, Changes, GoneError, Paging, write_token
from leadline.programs.apiserver import asked
from leadline.programs.apiserver.asked import Target
from leadline.programs.apiserver.exchange import Exchange
from leadline.programs.apiserver.feed import ClosedError, Feed, Following, event_line
from leadline.programs.apiserver.reading import Source
from leadline.programs.serving.cluster import refusal
from leadline.programs.serving.cluster.refusal import Refusal

SHORTEST_S = 1800.0
"""Without a time of its own a watch lasts this long to twice as long, so that not all come back at once."""
LONGEST_S = 86_400.0
INITIAL_END = "k8s.io/initial-events-end"


Check = Callable[[], Awaitable[None]]


class Watch:
    """One watch of one client."""

    def __init__(
        self, store: Source, feed: Feed, exchange: Exchange, target: Target, check_again: Check
    ) -> None:
        """``check_again`` raises a ``Refusal`` once the client may not watch any more."""
        self._store = store
        self._check_again = check_again
        self._feed = feed
        self._exchange = exchange
        self._shown = asked.shown(exchange, target)
        self._selection = asked.selection_of(exchange, target, with_body=self._shown.needs_body)
        self._wants_marks = exchange.is_on("allowWatchBookmarks")
        self._ends_at = time.monotonic() + _duration(exchange)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until its time is over, the client leaves, or ``stopping`` is set. Raises: ``Refusal`` for a start that cannot be."""
        since, with_initial = self._start()
        await self._exchange.body(2**16, "the request")
        following = self._feed.follow(self._selection, since)
        try:
            # Asked before the answer begins, so that Gone is an answer of its own.
            first = await following.next(0) if not with_initial else None
            await self._exchange.begin()
            await self._exchange.piece(b"")
            if with_initial:
                await self._initial(since)
            await self._until_somebody_leaves(following, first, since, stopping)
            await self._exchange.end()
        except GoneError as error:
            if self._exchange.code:
                raise
            raise refusal.expired(str(error)) from error
        finally:
            await following.close()

    async def _until_somebody_leaves(
        self, following: Following, first: Changes | None, since: int, stopping: asyncio.Event
    ) -> None:
        sending = asyncio.ensure_future(self._follow(following, first, since))
        gone = asyncio.ensure_future(_client_left(self._exchange))
        stopped = asyncio.ensure_future(stopping.wait())
        waiting: set[asyncio.Future[Any]] = {sending, gone, stopped}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting - {sending}:
                task.cancel()
            if not sending.done():
                sending.cancel()
                await asyncio.wait({sending})
        if not sending.cancelled():
            sending.result()

    def _start(self) -> tuple[int, bool]:
        exchange, revision = self._exchange, self._store.revision
        since = asked.revision_asked_for(exchange)
        if since > revision:
            raise refusal.of_the_future(since)
        if exchange.is_on("sendInitialEvents"):
            if exchange.query.get("resourceVersionMatch") != "NotOlderThan":
                why = "sendInitialEvents requires resourceVersionMatch=NotOlderThan"
                raise Refusal(422, "Invalid", why)
            return revision, True
        if since:
            return since, False
        wants_state = "sendInitialEvents" not in exchange.query and not asked.has_mode(exchange)
        return revision, wants_state

    async def _initial(self, revision: int) -> None:
        token = write_token((revision, "", ""))
        while token:
            page = await self._store.list(self._selection, Paging(token))
            if page.entries:
                await self._exchange.piece(
                    b"".join(event_line(ADDED, self._shown.one(e)) for e in page.entries)
                )
            token = page.token
        if self._wants_marks and self._exchange.is_on("sendInitialEvents"):
            await self._exchange.piece(self._mark(revision, {INITIAL_END: "true"}))

    async def _follow(self, following: Following, first: Changes | None, since: int) -> None:
        mark_every_s = self._exchange.patience.mark_s
        mark_at = time.monotonic() + mark_every_s
        sent = since
        changes = first
        while (now := time.monotonic()) < self._ends_at:
            if changes is not None:
                sent = changes.revision
                if changes.events:
                    await self._exchange.piece(
                        b"".join([self._feed.written(e, self._shown) for e in changes.events])
                    )
            if now >= mark_at:
                mark_at = now + mark_every_s
                if not await self._is_still_allowed():
                    return
                if self._wants_marks:
                    await self._exchange.piece(self._mark(sent))
            try:
                changes = await following.next(max(0.0, min(self._ends_at, mark_at) - now))
            except GoneError as error:
                status = orjson.dumps(refusal.expired(str(error)).status)
                await self._exchange.piece(event_line("ERROR", status))
                return
            except ClosedError:
                return

    async def _is_still_allowed(self) -> bool:
        """Credentials expire and rights are taken away while a watch is open; what cannot be checked now continues."""
        try:
            await self._check_again()
        except Refusal as refused:
            return refused.code not in (401, 403)
        return True

    def _mark(self, revision: int, annotations: dict[str, str] | None = None) -> bytes:
        metadata: dict[str, object] = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = annotations
        return event_line("BOOKMARK", self._shown.mark(metadata))


def _duration(exchange: Exchange) -> float:
    text = exchange.query.get("timeoutSeconds", "")
    if text and text.isascii() and text.isdecimal() and len(text) < 10 and int(text):
        return min(float(text), LONGEST_S)
    return SHORTEST_S * (1 + random.random())  # noqa: S311 no secret


async def _client_left(exchange: Exchange) -> None:
    while (await exchange.receive())["type"] != "http.disconnect":
        pass
