"""Asks an application without a socket, as a browser would."""

import asyncio
import gzip
from typing import Any

from leadline.programs.ui.app import App


class Answered:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body

    @property
    def text(self) -> str:
        return self.body.decode()


def get(app: App, address: str, method: str = "GET", **headers: str) -> Answered:
    return asyncio.run(ask(app, address, method, **headers))


async def ask(app: App, address: str, method: str = "GET", **headers: str) -> Answered:
    path, _, query = address.partition("?")
    return await asked_at(app, path, query, method, **headers)


async def asked_at(app: App, path: str, query: str, method: str = "GET", **headers: str) -> Answered:
    """``path`` as a server has decoded it."""
    given = {"host": "127.0.0.1:8000", **headers}
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    heads = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answered(sent[0]["status"], heads, b"".join(one.get("body", b"") for one in sent[1:]))
