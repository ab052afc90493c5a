"""What a program does beside serving: each chore continues for as long as it serves."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")
ALIVE_S = 5.0
"""Between two signs of life."""


class Serves(Protocol):
    """A server that can be asked to end."""

    async def serve(self) -> None: ...
    def leave(self) -> None: ...


async def beside(serving: Serves, chores: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Serves until it is asked to stop; a chore that ends ends all, for a server without it is of little use.

    Raises: what a chore raised.
    """
    tasks = [asyncio.ensure_future(chore) for chore in chores]
    for task in tasks:
        task.add_done_callback(lambda _: serving.leave())
    try:
        await serving.serve()
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error


async def first_of(*chores: Awaitable[object], within_s: float | None = None) -> None:
    """Runs all until the first ends, then ends the others, which have ``within_s`` for it. Raises: what that one raised."""
    tasks = [asyncio.ensure_future(chore) for chore in chores]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait((asyncio.gather(*tasks, return_exceptions=True),), timeout=within_s)
    for task in done:
        task.result()


def settle(future: asyncio.Future[T], value: T) -> None:
    """From another thread; nothing where the loop of ``future`` has ended meanwhile."""

    def settle_there() -> None:
        if not future.done():
            future.set_result(value)

    with suppress(RuntimeError):
        future.get_loop().call_soon_threadsafe(settle_there)


async def say_alive(path: Path) -> None:
    """Writes the time into a file, for a probe: the loop runs, and with it all that waits on it."""
    while True:
        try:
            path.write_text(f"{int(time.time())}\n")
        except OSError as error:
            log.warning("%s cannot be written: %s", path, error.strerror or error)
        await asyncio.sleep(ALIVE_S)
