"""What a scrape is answered: an ASGI application of three paths."""

import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from leadline.programs.exporter.alerting import Alerting
from leadline.programs.exporter.following import Follower
from leadline.programs.exporter.metrics import alert_families, families, own_families, sums_of
from leadline.programs.exporter.results import Results
from leadline.programs.exporter.settings import KUBE, Settings

Message = MutableMapping[str, Any]
KEPT_S = 1.0
"""However often they are asked for, the numbers are added up once a second at most."""
_MOST_FORMS = 8


class Numbers(Collector):
    """The metrics of this moment, as the client library collects them."""

    def __init__(
        self, results: Results, follower: Follower, settings: Settings, alerting: Alerting | None = None
    ) -> None:
        self._results = results
        self._follower = follower
        self._settings = settings
        self._alerting = alerting

    def collect(self) -> Iterable[Metric]:
        yield from own_families(self._follower, self._store_bytes())
        if self._alerting is not None:
            yield from alert_families(self._alerting)
        if self._follower.is_fresh:
            yield from families(sums_of(self._results, self._settings.max_series))

    def _store_bytes(self) -> int | None:
        """``None`` where there is no file that is known."""
        store = self._settings.store
        name = self._settings.store_file or ("" if store == KUBE else store)
        file = Path(name)
        # What SQLite has not yet merged stands beside it.
        parts = (
            [part for part in (file, file.with_name(f"{file.name}-wal")) if part.is_file()] if name else []
        )
        return sum(part.stat().st_size for part in parts) if parts else None


class Scraped:
    """``/metrics``, ``/healthz`` while the process runs, ``/readyz`` while there are numbers to show."""

    def __init__(self, numbers: Numbers, follower: Follower) -> None:
        self._follower = follower
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(numbers)
        self._kept: dict[str, tuple[float, bytes]] = {}

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        code, media_type, body = self._answer(scope)
        headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, scope: Message) -> tuple[int, str, bytes]:
        plain = "text/plain; charset=utf-8"
        if scope["method"] not in ("GET", "HEAD"):
            return 405, plain, b"only GET\n"
        match scope["path"]:
            case "/metrics":
                return self._metrics(scope)
            case "/healthz" | "/livez":
                return 200, plain, b"ok\n"
            case "/readyz":
                is_fresh = self._follower.is_fresh
                return (200, plain, b"ok\n") if is_fresh else (503, plain, b"the store is not read\n")
        return 404, plain, b"there is /metrics, /healthz and /readyz\n"

    def _metrics(self, scope: Message) -> tuple[int, str, bytes]:
        accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
        encode, media_type = choose_encoder(accept.decode("latin-1"))
        now = time.monotonic()
        at, body = self._kept.get(media_type, (-KEPT_S, b""))
        if now - at >= KEPT_S:
            body = encode(self._registry)
            if len(self._kept) >= _MOST_FORMS:
                self._kept.clear()
            self._kept[media_type] = (now, body)
        return 200, media_type, body
