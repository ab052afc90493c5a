"""The carriers that the suite of the store runs over, each with a short history."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx2
import orjson
import uvicorn
from asgi import AllOpen, Everybody
from postgres_server import PostgresServer

from leadline.api.carriers.local import Limits, LocalStore
from leadline.api.carriers.postgres import open_postgres
from leadline.api.carriers.remote import RemoteStore
from leadline.api.catalogue import KINDS
from leadline.api.protocol import Content, Entry, Paging, Put, Store
from leadline.api.selection import Key, Selection, labels_of
from leadline.programs.apiserver.app import App
from memory_store import MemoryStore

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


@asynccontextmanager
async def remote(_: Path) -> AsyncIterator[Store]:
    """Through our own API server, over a socket."""
    app = App(MemoryStore(history=HISTORY), KINDS, Everybody(), AllOpen())
    # Without the protocol's number asyncio leaves TCP_NODELAY off, and each answer waits for 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        serving = asyncio.ensure_future(server.serve([listening]))
        http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", trust_env=False)
        store = RemoteStore(http)
        try:
            await store.list(EVERYTHING, Paging())
            yield store
        finally:
            await store.close()
            app.stop()
            server.should_exit = True
            await serving


@asynccontextmanager
async def postgres(_: Path) -> AsyncIterator[Store]:
    store = await open_postgres(SERVER.database(), HISTORY)
    try:
        yield store
    finally:
        await store.close()


SERVER = PostgresServer()
"""Started by the fixture."""
CARRIERS: dict[str, Callable[[Path], AbstractAsyncContextManager[Store]]] = {
    "memory": memory,
    "local": local,
    "postgres": postgres,
    "remote": remote,
}


class Carrier:
    """Runs a scenario over an empty store."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    @property
    def is_atomic(self) -> bool:
        """Whether a batch is one transaction."""
        return self.name != "remote"

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


def seen(entry: Entry | None) -> tuple[str, dict[str, str], str]:
    """(name, labels, text): what a store that adds to objects leaves as it was."""
    assert entry is not None
    text = orjson.loads(entry.content.body).get("spec", {}).get("text", "") if entry.content.body else ""
    return entry.key.name, dict(labels_of(entry.content.metadata)), text
