"""The carriers that the suite of the store runs over, each with a short history."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from leadline.outputs.store.local import Limits, LocalStore
from leadline.outputs.store.memory import MemoryStore
from leadline.outputs.store.protocol import Content, Put, Store
from leadline.outputs.store.selection import Key, Selection

HISTORY = 50
PLURAL = "workloadconfigurationscans"
EVERYTHING = Selection(plural=PLURAL)
PATIENCE_S = 60


@asynccontextmanager
async def memory(_: Path) -> AsyncIterator[Store]:
    store = MemoryStore(history=HISTORY)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def local(folder: Path) -> AsyncIterator[Store]:
    store = LocalStore(folder / "results.db", Limits(history=HISTORY))
    try:
        yield store
    finally:
        await store.close()


CARRIERS: dict[str, Callable[[Path], AbstractAsyncContextManager[Store]]] = {"memory": memory, "local": local}


class Carrier:
    """Runs a scenario over an empty store."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    def run(self, scenario: Callable[[Store], Awaitable[None]]) -> None:
        async def within() -> None:
            async with CARRIERS[self.name](self.folder) as store:
                await asyncio.wait_for(scenario(store), PATIENCE_S)

        asyncio.run(within())


def key(name: str, namespace: str = "shop", plural: str = PLURAL) -> Key:
    return Key(plural, namespace, name)


def content(text: str = "", labels: dict[str, str] | None = None) -> Content:
    pairs = ",".join(f'"{k}":"{v}"' for k, v in (labels or {}).items())
    return Content(b'{"labels":{%s}}' % pairs.encode(), b"[1]", b'{"spec":{"text":"%s"}}' % text.encode())


def put(name: str, text: str = "", expected: int | None = None, **labels: str) -> Put:
    return Put(key(name), content(text, labels), expected)
