"""``leadline apiserver``: reads the cluster's settings, opens the store, serves until it is asked to stop."""

import asyncio
import logging
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import click
import uvloop
from msgspec import Struct

from leadline.api.carriers.local import Limits, LocalStore
from leadline.api.catalogue import KINDS
from leadline.api.protocol import Store
from leadline.errors import ClusterError, StoreError
from leadline.programs.apiserver.app import App
from leadline.programs.apiserver.cluster.cluster_namespaces import ClusterNamespaces, sweep
from leadline.programs.apiserver.computed.tending import mark_stale
from leadline.programs.serving.cluster.behind import be_trusted, look_after, own_service
from leadline.programs.serving.cluster.cluster_access import ClusterAccess, read_front_proxy
from leadline.programs.serving.cluster.kube_api import KubeApi, KubeSettings
from leadline.programs.serving.cluster.refusal import Refusal
from leadline.programs.serving.log import log_to_stderr
from leadline.programs.serving.own_certificate import OwnCertificate
from leadline.programs.serving.plain_server import METRICS, send_whole, serve_plain
from leadline.programs.serving.pod import ACCOUNT, kube_address, own_namespace
from leadline.programs.serving.tls_server import Socket, Tls, server


class Settings(Struct, frozen=True):
    database: str
    """The path of a file; or an address that begins with ``postgresql://``."""
    certificate: Path | None = None
    key: Path | None = None
    own_certificate_for: str = ""
    """The name of our Service, ``leadline.security.svc``, in place of the two files."""
    register: str = ""
    """The ClusterRole by which we create our APIServices and with which they are deleted; empty where another creates them."""
    certificate_life_s: float = 90 * 86_400.0
    """Of the certificate that we make."""
    host: str = "::"
    port: int = 8443
    metrics_port: int = 0
    """Of /metrics, in plain HTTP; 0 for none."""
    kube: str = ""
    """Empty: the cluster that we run in."""
    kube_ca: Path = ACCOUNT / "ca.crt"
    token_file: Path = ACCOUNT / "token"
    history: int = 10_000
    """Revisions that watches can start from."""


log = logging.getLogger(__name__)


class Tended(Store, Protocol):
    """A store that is looked after by the process it is in."""

    async def tend(self) -> None:
        """Forgets what is too old. Raises: ``StoreError``."""


LOOK_AGAIN_S = 10.0
STALE_EVERY_S = 60.0
SWITCH_S = 0.0005
"""How long a finished commit waits for the interpreter at most; by default it is 5 ms, longer than the commit."""
_DEFAULTS = Settings("")
_LONGEST_LINE = 2_000


@click.command("apiserver")
@click.option(
    "--database",
    required=True,
    envvar="LEADLINE_DATABASE",
    help="File in which results are kept, or postgresql://…, which several replicas can share (LEADLINE_DATABASE).",
)
@click.option(
    "--certificate", type=click.Path(path_type=Path), help="Our own, for <service>.<namespace>.svc."
)
@click.option("--key", type=click.Path(path_type=Path))
@click.option(
    "--own-certificate-for",
    default="",
    metavar="HOST",
    help="In place of both: make and renew one for HOST, and have the APIServices trust it.",
)
@click.option(
    "--register",
    default="",
    metavar="CLUSTERROLE",
    help="Create the APIServices, for the Service that is HOST, once this serves; they are deleted with that ClusterRole.",
)
@click.option(
    "--certificate-life-s",
    type=click.FloatRange(60.0),
    default=_DEFAULTS.certificate_life_s,
    show_default=True,
    help="Of that one, in seconds; it is renewed when a third of them is left.",
)
@click.option("--host", default=_DEFAULTS.host, show_default=True)
@click.option("--port", default=_DEFAULTS.port, show_default=True)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    default=_DEFAULTS.metrics_port,
    show_default=True,
    help="Of /metrics, in plain HTTP: writes that were refused. 0 for none.",
)
@click.option(
    "--kube", default=_DEFAULTS.kube, help="Address of kube-apiserver; by default of the cluster we run in."
)
@click.option(
    "--kube-ca", default=_DEFAULTS.kube_ca, type=click.Path(path_type=Path), help="CA of kube-apiserver."
)
@click.option(
    "--token-file",
    default=_DEFAULTS.token_file,
    type=click.Path(path_type=Path),
    help="Our service account's token.",
)
@click.option(
    "--history", default=_DEFAULTS.history, show_default=True, help="Revisions that watches can start from."
)
def command(**flags: Any) -> None:
    """Serve stored results as objects of the Kubernetes API, behind the cluster's aggregation layer."""
    log_to_stderr()
    sys.setswitchinterval(SWITCH_S)
    settings = Settings(**flags)
    if bool(settings.own_certificate_for) == bool(settings.certificate and settings.key):
        raise click.UsageError("give --certificate and --key, or --own-certificate-for")
    if settings.register and own_service(settings.own_certificate_for, settings.register) is None:
        raise click.UsageError("--register needs --own-certificate-for SERVICE.NAMESPACE.svc")
    with tempfile.TemporaryDirectory(prefix="leadline-tls-") as folder:
        uvloop.run(serve(settings, Path(folder)))


async def serve(settings: Settings, folder: Path) -> None:
    """``folder`` takes the certificate that we make. Raises: ``ClusterError``, ``StoreError``."""
    host = settings.own_certificate_for
    life = timedelta(seconds=settings.certificate_life_s)
    own = OwnCertificate(folder, host, "leadline-apiserver", life=life) if host else None
    kube = KubeApi(KubeSettings(settings.kube or kube_address(), settings.kube_ca, settings.token_file))
    store = await _open(settings)
    try:
        home = own_namespace(settings.token_file.parent)
        access = ClusterAccess(kube, await read_front_proxy(kube), home)
        namespaces = ClusterNamespaces(kube)
        app = App(store, KINDS, access, namespaces, own_namespace=home)
        try:
            await app.prepare()
        except StoreError as error:
            # Read-only, or full: what is there can be served all the same.
            log.error("objects that lack an identity were not completed: %s", error)
        socket = Socket(settings.host, settings.port, *_pair(settings, own))
        tls = Tls(socket, access.front_proxy.ca)
        serving = server(app, socket, tls, app.stop)
        service = own_service(host, settings.register) if settings.register else None
        chores = (
            app.computing.run(),
            app.feed.run(),
            namespaces.follow(),
            look_after(kube, access, tls),
            *(
                [be_trusted(kube, own, service, serving, lambda: tls.renew(access.front_proxy.ca))]
                if own is not None
                else []
            ),
            _again(LOOK_AGAIN_S, store.tend, "the store cannot be tended"),
            _again(
                STALE_EVERY_S,
                lambda: mark_stale(store, app.served, datetime.now(UTC)),
                "scans that are followed no more were not marked",
            ),
            _sweep_once(store, namespaces),
            *([_show(app, settings)] if settings.metrics_port else []),
        )
        async with _background(chores):
            log.info("serving at port %d", settings.port)
            await serving.serve()
    except Refusal as refused:
        raise ClusterError(
            refused.message, hint="check --kube, --kube-ca and the rights of the service account"
        ) from refused
    finally:
        await store.close()
        await kube.close()


async def _open(settings: Settings) -> "Tended":
    if settings.database.startswith("postgresql://"):
        # An extra that a server with a file of its own does not need.
        from leadline.api.carriers.postgres import open_postgres

        return await open_postgres(settings.database, settings.history)
    store = LocalStore(Path(settings.database), Limits(history=settings.history))
    if store.note:
        log.error("%s", store.note)
    return store


def _pair(settings: Settings, own: OwnCertificate | None) -> tuple[Path, Path]:
    if own is not None:
        return own.certificate, own.key
    return settings.certificate or Path(), settings.key or Path()


async def _again(every_s: float, work: Callable[[], Awaitable[object]], problem: str) -> None:
    while True:
        await asyncio.sleep(every_s)
        try:
            await work()
        except StoreError as error:
            log.error("%s: %s", problem, error)


async def _sweep_once(store: Tended, namespaces: ClusterNamespaces) -> None:
    try:
        count = await sweep(store, KINDS, await namespaces.names())
    except (Refusal, StoreError) as error:
        log.warning("objects of vanished namespaces were not looked for: %s", error)
        return
    if count:
        log.info("deleted %d objects of namespaces that are gone", count)


async def _show(app: App, settings: Settings) -> None:
    async def metrics(scope: Any, _: Any, send: Any) -> None:
        is_known = scope["path"] == "/metrics"
        body = app.refused_writes.text() if is_known else "there is /metrics\n"
        await send_whole(send, 200 if is_known else 404, METRICS, body.encode())

    await serve_plain(metrics, settings.host, settings.metrics_port)


def _say_why(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("a part of the server has ended", exc_info=error)


@asynccontextmanager
async def _background(chores: Sequence[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(chore) for chore in chores]
    for task in tasks:
        task.add_done_callback(_say_why)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
