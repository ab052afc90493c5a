"""What a program does beside serving: each chore continues for as long as it serves."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol


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
