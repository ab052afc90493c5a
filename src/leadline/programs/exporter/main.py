"""``leadline exporter``: follows the store, and answers Prometheus until it is asked to stop."""

import logging
import os
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import uvloop

from leadline.errors import UsageError
from leadline.outputs.alerts.posting import Poster
from leadline.programs.exporter.alert_settings import read_settings
from leadline.programs.exporter.alert_state import AlertState
from leadline.programs.exporter.alerting import Alerting, receivers_of
from leadline.programs.exporter.known_frameworks import known_frameworks
from leadline.programs.exporter.results import Results
from leadline.programs.exporter.scraping import Numbers, Scraped
from leadline.programs.exporter.settings import CONFIG, TABLE, Settings
from leadline.programs.serving.chores import beside
from leadline.programs.serving.following import Follower
from leadline.programs.serving.log import log_to_stderr
from leadline.programs.serving.plain_server import plain_config
from leadline.programs.serving.tls_server import Server, listening
from leadline.scans.stored.opening import open_to_read

log = logging.getLogger(__name__)
_LONGEST_LINE = 2_000


def _run(config: str, **flags: Any) -> None:
    """Answer Prometheus with numbers about the stored results. Scrapes never scan."""
    settings = TABLE.read(config or os.environ.get(CONFIG, ""), os.environ, flags)
    log_to_stderr()
    uvloop.run(serve(settings))


command = TABLE.command("exporter", _run, CONFIG)


async def serve(settings: Settings) -> None:
    """Raises: ``UsageError``, ``SourceError``, ``StoreError`` for what is wrong with the settings of alerts."""
    results = Results(known_frameworks())
    connect = partial(open_to_read, settings.store, settings.kube_context, settings.kubeconfig)
    follower = Follower(results, partial(connect, environ=os.environ, said=partial(log.info, "%s")))
    async with AsyncExitStack() as opened:
        alerting = await _alerting(settings, (results, follower), opened) if settings.alerts else None
        sockets = opened.enter_context(listening(settings.host, settings.port))
        numbers = Numbers(results, follower, settings, alerting)
        server = Server(
            plain_config(Scraped(numbers, follower), settings.host, settings.port), sockets=sockets
        )
        await beside(server, [follower.run(), *([alerting.run()] if alerting else [])])


async def _alerting(
    settings: Settings, watched: tuple[Results, Follower], opened: AsyncExitStack
) -> Alerting:
    if not settings.alerts_state:
        raise UsageError("--alerts needs --alerts-state FILE", hint="it keeps what has been sent")
    file = read_settings(settings.alerts)
    names = {framework.name for framework in watched[0].frameworks}
    if unknown := sorted(file.thresholds.frameworks.keys() - names):
        hint = "leadline list frameworks shows them all"
        raise UsageError(f"{settings.alerts}: {unknown[0][:100]} is not a framework", hint=hint)
    state = AlertState(Path(settings.alerts_state))
    opened.callback(state.close)
    http = await opened.enter_async_context(
        httpx2.AsyncClient(headers={"User-Agent": "leadline"}, trust_env=True)
    )
    receivers = receivers_of(file, Poster(http))
    return Alerting(watched, file.thresholds, state, receivers, cluster=settings.cluster_name)
