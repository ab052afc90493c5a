"""``watch``: initial events, what comes after, bookmarks; a watcher holds no queue and is dropped when it does not read."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson

from leadline.outputs.store.protocol import ADDED, Changes, GoneError, Paging, Store
from leadline.outputs.store.token import write_token
from leadline.programs.apiserver import asked, refusal
from leadline.programs.apiserver.asked import Target
from leadline.programs.apiserver.exchange import Exchange
from leadline.programs.apiserver.refusal import Refusal

BOOKMARK_EVERY_S = 60.0
"""Keeps watchers of quiet kinds within the history."""
SHORTEST_S = 1800.0
"""Without a time of its own a watch lasts this long to twice as long, so that not all come back at once."""
LONGEST_S = 86_400.0
INITIAL_END = "k8s.io/initial-events-end"


class Watch:
    """One watch of one client."""

    def __init__(self, store: Store, exchange: Exchange, target: Target, stopping: asyncio.Event) -> None:
        self._store = store
        self._exchange = exchange
        self._shown = asked.shown(exchange, target)
        self._selection = asked.selection_of(exchange, target, with_body=self._shown.needs_body)
        self._stopping = stopping
        self._wants_marks = exchange.is_on("allowWatchBookmarks")
        self._ends_at = time.monotonic() + _duration(exchange)

    async def run(self) -> None:
        """Raises: ``Refusal`` for a start that cannot be."""
        since, with_initial = self._start()
        await _request_read(self._exchange)
        gone = asyncio.ensure_future(_client_left(self._exchange))
        try:
            # The first changes are asked for before the answer begins, so that Gone is an answer of its own.
            changes = self._store.watch(self._selection, since)
            first = asyncio.ensure_future(anext(changes, None))
            await asyncio.sleep(0)
            if first.done() and isinstance(first.exception(), GoneError) and not with_initial:
                raise refusal.expired(str(first.exception()))
            await self._exchange.begin()
            await self._exchange.piece(b"")
            if with_initial:
                await self._initial(since)
            await self._follow(changes, first, since, gone)
            await self._exchange.end()
        finally:
            gone.cancel()

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
                await self._exchange.piece(b"".join(_event(ADDED, self._shown.one(e)) for e in page.entries))
            token = page.token
        if self._wants_marks and self._exchange.is_on("sendInitialEvents"):
            await self._exchange.piece(self._mark(revision, {INITIAL_END: "true"}))

    async def _follow(
        self,
        changes: AsyncIterator[Changes],
        coming: "asyncio.Future[Changes | None]",
        since: int,
        gone: "asyncio.Future[None]",
    ) -> None:
        stopping = asyncio.ensure_future(self._stopping.wait())
        mark_at = time.monotonic() + BOOKMARK_EVERY_S
        sent = since
        try:
            while (now := time.monotonic()) < self._ends_at and not gone.done() and not stopping.done():
                if self._wants_marks and now >= mark_at:
                    mark_at = now + BOOKMARK_EVERY_S
                    await self._exchange.piece(self._mark(sent))
                until = min(self._ends_at, mark_at) if self._wants_marks else self._ends_at
                waiting: set[asyncio.Future[Any]] = {coming, gone, stopping}
                await asyncio.wait(
                    waiting,
                    timeout=max(0.0, until - now),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not coming.done():
                    continue
                try:
                    happened = coming.result()
                except GoneError as error:
                    status = orjson.dumps(refusal.expired(str(error)).status)
                    await self._exchange.piece(_event("ERROR", status))
                    return
                if happened is None:
                    return
                sent = happened.revision
                await self._send(happened)
                coming = asyncio.ensure_future(anext(changes, None))
        finally:
            coming.cancel()
            stopping.cancel()

    async def _send(self, changes: Changes) -> None:
        if changes.events:
            events = (_event(event.type, self._shown.one(event.entry)) for event in changes.events)
            await self._exchange.piece(b"".join(events))

    def _mark(self, revision: int, annotations: dict[str, str] | None = None) -> bytes:
        metadata: dict[str, object] = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = annotations
        return _event("BOOKMARK", self._shown.mark(metadata))


def _event(type_: str, content: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), content)


def _duration(exchange: Exchange) -> float:
    text = exchange.query.get("timeoutSeconds", "")
    if text and text.isascii() and text.isdecimal() and len(text) < 10 and int(text):
        return min(float(text), LONGEST_S)
    return SHORTEST_S * (1 + random.random())  # noqa: S311 no secret


async def _request_read(exchange: Exchange) -> None:
    """The body, which a watch has none of."""
    await exchange.body(2**16, "the request")


async def _client_left(exchange: Exchange) -> None:
    while (await exchange.receive())["type"] != "http.disconnect":
        pass
