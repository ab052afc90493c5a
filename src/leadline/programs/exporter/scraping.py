"""What a scrape is answered: an ASGI application of three paths."""

import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, MutableMapping
from pathlib import Path
from typing import Any

from isal import igzip
from msgspec import Struct
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from leadline.programs.exporter.alerting import Alerting
from leadline.programs.exporter.metrics import alert_families, families, own_families, sums_of
from leadline.programs.exporter.results import Results
from leadline.programs.exporter.settings import KUBE, Settings
from leadline.programs.serving.following import Follower

Message = MutableMapping[str, Any]
KEPT_S = 1.0
"""However often they are asked for, the numbers are added up once a second at most."""
_MOST_FORMS = 8
_GZIP_LEVEL = 1
Header = tuple[bytes, bytes]
_PLAIN: list[Header] = [(b"content-type", b"text/plain; charset=utf-8")]


class _Kept(Struct, frozen=True):
    """An answer, and what it was made of."""

    at: float
    state: Hashable
    body: bytes


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
        for family in self._families():
            if name := self._settings.cluster_name:
                family.samples = [
                    sample._replace(labels={"cluster": name, **sample.labels}) for sample in family.samples
                ]
            yield family

    def _families(self) -> Iterable[Metric]:
        yield from self._own()
        if self._follower.is_fresh:
            yield from families(
                sums_of(self._results, self._settings.max_series, with_zeros=self._settings.zeros)
            )

    def state(self) -> Hashable:
        """The same where ``collect`` would give the same."""
        own = tuple((sample.name, sample.value) for family in self._own() for sample in family.samples)
        return self._results.version, self._follower.is_fresh, own

    def _own(self) -> Iterable[Metric]:
        store = self._settings.store
        name = self._settings.store_file or ("" if store == KUBE else store)
        file = Path(name)
        # What SQLite has not yet merged is beside it.
        parts = (
            [part for part in (file, file.with_name(f"{file.name}-wal")) if part.is_file()] if name else []
        )
        yield from own_families(self._follower, sum(part.stat().st_size for part in parts) if parts else None)
        if self._alerting is not None:
            yield from alert_families(self._alerting)


class Scraped:
    """``/metrics``, ``/healthz`` while the process runs, ``/readyz`` while there are numbers to show."""

    def __init__(self, numbers: Numbers, follower: Follower) -> None:
        self._numbers = numbers
        self._follower = follower
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(numbers)
        self._kept: dict[tuple[str, bool], _Kept] = {}

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        code, headers, body = self._answer(scope)
        headers = [*headers, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, scope: Message) -> tuple[int, list[Header], bytes]:
        if scope["method"] not in ("GET", "HEAD"):
            return 405, _PLAIN, b"only GET\n"
        match scope["path"]:
            case "/metrics":
                return self._metrics(scope)
            case "/healthz" | "/livez":
                return 200, _PLAIN, b"ok\n"
            case "/readyz":
                is_fresh = self._follower.is_fresh
                return (200, _PLAIN, b"ok\n") if is_fresh else (503, _PLAIN, b"the store is not read\n")
        return 404, _PLAIN, b"there is /metrics, /healthz and /readyz\n"

    def _metrics(self, scope: Message) -> tuple[int, list[Header], bytes]:
        wants = dict(reversed(scope["headers"]))
        encode, media_type = choose_encoder(wants.get(b"accept", b"").decode("latin-1"))
        is_packed = b"gzip" in wants.get(b"accept-encoding", b"")
        form = (media_type, is_packed)
        now, state = time.monotonic(), self._numbers.state()
        kept = self._kept.get(form)
        if kept is None or (kept.state != state and now - kept.at >= KEPT_S):
            body = encode(self._registry)
            kept = _Kept(now, state, igzip.compress(body, _GZIP_LEVEL) if is_packed else body)
            if len(self._kept) >= _MOST_FORMS:
                self._kept.clear()
            self._kept[form] = kept
        headers = [(b"content-type", media_type.encode()), (b"vary", b"Accept, Accept-Encoding")]
        return 200, [*headers, *([(b"content-encoding", b"gzip")] if is_packed else [])], kept.body
