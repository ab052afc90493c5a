"""Asks an application without a socket, as whoever one likes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import orjson
from msgspec import Struct

from leadline.api.catalogue import KINDS
from leadline.api.kind import GROUP, VERSION
from leadline.programs.apiserver.app import App
from leadline.programs.apiserver.exchange import Exchange, Patience
from leadline.programs.serving.cluster import refusal
from leadline.programs.serving.cluster.access import Asked, User
from memory_store import MemoryStore

ROOT = f"/apis/{GROUP}/{VERSION}"
SUMMARIES = f"{ROOT}/namespaces/shop/workloadconfigurationscansummaries"
MERGE = "application/merge-patch+json"
OPERATIONS = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
METADATA_LIST = METADATA.replace("Metadata;", "MetadataList;")


class Answer(Struct):
    code: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.content)


class Everybody:
    """May do everything; ``refused`` are verbs that nobody may."""

    def __init__(self, *refused: str) -> None:
        self.refused: tuple[str, ...] = refused
        self.asked: list[tuple[Asked, str]] = []

    async def user_of(self, exchange: Exchange) -> User:
        return User("someone")

    async def check(self, user: User, asked: Asked, name: str = "") -> None:
        self.asked.append((asked, name))
        if asked.verb in self.refused:
            raise refusal.forbidden("no")


class AllOpen:
    """``closed`` are namespaces that are going away."""

    def __init__(self, *closed: str) -> None:
        self.closed = closed

    async def check_open(self, name: str) -> None:
        if name in self.closed:
            raise refusal.forbidden("it is being terminated")


class Client:
    def __init__(self, access: Everybody | None = None, patience: Patience = Patience()) -> None:  # noqa: B008
        self.store = MemoryStore()
        self.access = access or Everybody()
        self.app = App(self.store, KINDS, self.access, AllOpen("closing"), patience)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        sent = {"content-type": "application/json", **(headers or {})}
        left = asyncio.Event()
        pieces = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if pieces:
                return pieces.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        answer = Answer(0, {}, b"")

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.code = message["status"]
                answer.headers = {n.decode(): v.decode() for n, v in message["headers"]}
            else:
                answer.content += message["body"]

        await self.app(_scope(method, path, query, sent), receive, send)
        return answer

    async def watch(
        self, path: str, query: dict[str, str], headers: dict[str, str] | None = None
    ) -> "Watching":
        watching = Watching()
        scope = _scope("GET", path, {"watch": "1", **query}, headers or {})
        watching.task = asyncio.ensure_future(self.app(scope, watching.receive, watching.send))
        while not watching.code:
            await asyncio.sleep(0)
        return watching


class Watching:
    """A watch that is open."""

    def __init__(self) -> None:
        self.code = 0
        self.task: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self._buffer = b""
        self._has_asked = False
        self._left = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if not self._has_asked:
            self._has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.code = message["status"]
            return
        self._buffer += message["body"]
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._events.put_nowait(orjson.loads(line))
        if not message.get("more_body"):
            self._events.put_nowait(None)

    async def next(self) -> Any:
        """The next event; ``None`` once the watch has ended."""
        return await asyncio.wait_for(self._events.get(), 30)

    async def names(self, count: int) -> list[tuple[str, str]]:
        events = [await self.next() for _ in range(count)]
        return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]

    async def leave(self) -> None:
        self._left.set()
        await asyncio.wait_for(self.task, 30)


def run(scenario: Callable[[Client], Awaitable[None]], client: Callable[[], Client] = Client) -> None:
    async def within() -> None:
        await asyncio.wait_for(scenario(client()), 60)

    asyncio.run(within())


def run_with_feed(scenario: Callable[[Client], Awaitable[None]]) -> None:
    """With the changes read once for all watchers."""

    async def within(client: Client) -> None:
        feed = asyncio.ensure_future(client.app.feed.run())
        try:
            await asyncio.sleep(0)
            await scenario(client)
        finally:
            feed.cancel()

    run(within)


def summary(name: str, critical: int = 1, **labels: str) -> dict[str, Any]:
    counts = {"critical": critical, "high": 2, "medium": 0, "low": 0, "unknown": 0}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "WorkloadConfigurationScanSummary",
        "metadata": {"name": name, "labels": labels},
        "spec": {"severities": counts, "controls": {}},
    }


def _scope(method: str, path: str, query: dict[str, str] | None, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": urlencode(query or {}).encode(),
        "headers": [(n.lower().encode(), v.encode()) for n, v in headers.items()],
        "state": {},
    }
