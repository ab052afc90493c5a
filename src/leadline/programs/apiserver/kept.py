"""Answers kept for a while, each asked for once however many wait for it."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """At most ``limit`` answers, for ``seconds`` each; failures are not kept."""

    def __init__(self, seconds: float, limit: int = 10_000) -> None:
        self._seconds = seconds
        self._limit = limit
        self._answers: OrderedDict[Hashable, tuple[float, asyncio.Task[T]]] = OrderedDict()

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        known = self._answers.get(key)
        if known is not None and (not known[1].done() or known[0] > time.monotonic()):
            return await asyncio.shield(known[1])
        task = asyncio.ensure_future(_asked(ask))
        self._answers[key] = (time.monotonic() + self._seconds, task)
        self._answers.move_to_end(key)
        while len(self._answers) > self._limit:
            self._answers.popitem(last=False)
        try:
            return await asyncio.shield(task)
        except BaseException:
            if task.done() and self._answers.get(key, (0.0, None))[1] is task:
                del self._answers[key]
            raise


async def _asked(ask: Callable[[], Awaitable[T]]) -> T:
    return await ask()
