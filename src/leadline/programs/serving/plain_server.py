"""Plain HTTP for numbers and probes, beside the server whose signals end the program."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import uvicorn

from leadline.programs.serving.tls_server import GOODBYE_S

MOST_CONNECTIONS = 50
METRICS = "text/plain; version=0.0.4; charset=utf-8"


async def serve_plain(application: Callable[[Any, Any, Any], Any], host: str, port: int) -> None:
    """Until it is cancelled."""
    config = uvicorn.Config(
        application,
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
    await _Beside(config).serve()


class _Beside(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()
