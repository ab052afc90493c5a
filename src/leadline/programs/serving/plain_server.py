"""Plain HTTP for numbers and probes, beside the server whose signals end the program."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from socket import socket
from typing import Any

import uvicorn

from leadline.programs.serving.tls_server import Application, config_of

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
MOST_CONNECTIONS = 100
TEXT = "text/plain; charset=utf-8"
METRICS = "text/plain; version=0.0.4; charset=utf-8"


def plain_config(application: Application, host: str, port: int) -> uvicorn.Config:
    return config_of(application, host, port, limit_concurrency=MOST_CONNECTIONS)


async def serve_plain(
    application: Application, host: str, port: int, sockets: list[socket] | None = None
) -> None:
    """Until it is cancelled. ``sockets``: those that listen there already."""
    await _Beside(plain_config(application, host, port)).serve(sockets)


async def send_whole(
    send: Send, status: int, kind: str, body: bytes, extra: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """One answer; ``kind`` is its type, ``extra`` further headers."""
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Beside(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()
