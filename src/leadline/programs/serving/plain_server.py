"""Plain HTTP for numbers and probes, beside the server whose signals end the program."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import uvicorn

from leadline.programs.serving.tls_server import GOODBYE_S

Application = Callable[[Any, Any, Any], Any]
MOST_CONNECTIONS = 100
METRICS = "text/plain; version=0.0.4; charset=utf-8"


def plain_config(application: Application, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        # By itself the event loop makes a socket of "::" that no IPv4 address reaches; of "" it makes one for each family.
        "" if host == "::" else host,
        port,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=GOODBYE_S,
    )


async def serve_plain(application: Application, host: str, port: int) -> None:
    """Until it is cancelled."""
    await _Beside(plain_config(application, host, port)).serve()


class _Beside(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()
