"""``leadline ui``: the pages of a folder, a report or a store, for a browser on this machine."""

import asyncio
import logging
import os
import secrets
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from leadline.api.protocol import Readable
from leadline.errors import UsageError
from leadline.programs.serving.chores import beside
from leadline.programs.serving.log import log_to_stderr
from leadline.programs.serving.pod import ACCOUNT
from leadline.programs.serving.provider_client import ProviderReader
from leadline.programs.serving.tls_server import Server, config_of
from leadline.programs.ui.app import App
from leadline.programs.ui.doors import KeyDoor
from leadline.programs.ui.in_cluster import InCluster, serve_in_cluster
from leadline.programs.ui.keeping import Keeper, Polled, Shown
from leadline.scans.options import PostureOptions
from leadline.scans.pages.reading import is_report_file, nothing_yet, read_folder, read_reports
from leadline.scans.pages.world import Known, shell
from leadline.scans.provider_reading import read_known, read_sources
from leadline.scans.stored.opening import KUBE, open_to_read

log = logging.getLogger(__name__)
_HOST = "127.0.0.1"
_EVERY_HOST = "::"
_BACKLOG = 512
_GOODBYE_S = 2
_KEY_BYTES = 32
_ROOM_BYTES = 16

EPILOG = """
\b
  leadline ui deploy/
      scans files and charts, and shows what was found
  leadline ui deploy/ --audit-log audit.log
      and which rights of its roles the API server's log shows no use of
  leadline ui report.json images.json
      what leadline scan -f report and leadline scan image -f report wrote
  leadline ui --store results.db
      a file that leadline scan --store made, and what changes in it
  leadline ui --from-store kube
      what the operator keeps of the cluster, with your own kubeconfig and rights
  leadline ui --provider https://provider.example:8443
      every cluster and repository that reports there; LEADLINE_PROVIDER_TOKEN holds a token that may read

The address that is printed holds a key; without it nothing is shown. Pages are read alone, on this machine alone.
docs/pages.md says what is on them.
"""


@click.command(
    "ui", epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.argument("targets", metavar="[PATH|REPORT]...", nargs=-1)
@click.option(
    "--store",
    "--from-store",
    default="",
    metavar="kube|FILE",
    help="Show what is stored, and keep it current.",
)
@click.option(
    "--provider",
    default="",
    metavar="https://HOST",
    help="Show what all sources of a provider reported, and keep it current.",
)
@click.option("--provider-ca", default="", metavar="FILE", help="Certificates to trust there, PEM.")
@click.option("--kube-context", default="", metavar="NAME", help="Context of the kubeconfig.")
@click.option("--kubeconfig", default="", metavar="FILE", help="Kubeconfig, in place of $KUBECONFIG.")
@click.option(
    "--port", default=0, type=click.IntRange(0, 65_535), help="Port; 0 takes a free one.", show_default=True
)
@click.option(
    "--audit-log",
    "audit_logs",
    multiple=True,
    metavar="FILE",
    help="Of kube-apiserver: which rights of the roles in PATH are never used.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="FILE",
    help="Beside --audit-log: what leadline agent --profiles wrote.",
)
@click.option(
    "--own-certificate-for",
    default="",
    metavar="HOST",
    help="In a cluster: answer as the Service HOST, with a certificate of our own making (docs/pages.md).",
)
@click.option("--register", default="", metavar="CLUSTERROLE", help="In a cluster: create the APIService.")
@click.option("--certificate", type=click.Path(path_type=Path), help="In a cluster: our own certificate.")
@click.option("--key", type=click.Path(path_type=Path), help="In a cluster: its key.")
@click.option(
    "--ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="In a cluster: its CA, for the APIService.",
)
@click.option("--host", default=_EVERY_HOST, help="In a cluster: address to answer at.")
@click.option("--kube", default="", help="In a cluster: address of kube-apiserver.")
@click.option("--kube-ca", default=ACCOUNT / "ca.crt", type=click.Path(path_type=Path), help="Its CA.")
@click.option(
    "--proxy-ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="In a cluster: CA of a proxy that names users.",
)
@click.option(
    "--proxy-name", default="", metavar="NAME", help="In a cluster: common name of its certificate."
)
@click.option("--token-file", default=ACCOUNT / "token", type=click.Path(path_type=Path), help="Our token.")
def command(
    targets: tuple[str, ...],
    store: str,
    provider: str,
    provider_ca: str,
    kube_context: str,
    kubeconfig: str,
    audit_logs: tuple[str, ...],
    profiles: tuple[str, ...],
    **flags: Any,
) -> None:
    """Show what was found as pages, on this machine alone."""
    log_to_stderr()
    # That the server has started is said by its address.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    if bool(targets) + bool(store) + bool(provider) != 1:
        raise UsageError(
            "name a folder, a report, --store or --provider",
            hint="leadline ui deploy/, or leadline ui --from-store kube",
        )
    if provider_ca and not provider:
        raise UsageError("--provider-ca belongs to --provider")
    if (audit_logs and not targets) or (profiles and not audit_logs):
        raise UsageError(
            "an audit log is held against roles in files, with profiles beside it",
            hint="leadline ui PATH --audit-log FILE",
        )
    if flags["own_certificate_for"] or flags["certificate"]:
        if not store or (flags["certificate"] and not flags["key"]):
            raise UsageError(
                "in a cluster pages are of a store", hint="give --store, and --key with --certificate"
            )
        if flags["ca"] and not flags["certificate"]:
            raise UsageError("--ca is that of --certificate", hint="give both, or neither")
        if bool(flags["proxy_ca"]) != bool(flags["proxy_name"]):
            raise UsageError(
                "--proxy-ca and --proxy-name belong together",
                hint="name the CA, and the common name that its certificate for the proxy has",
            )
        place = Place(store, kube_context, kubeconfig)
        asyncio.run(_serve_in_cluster(place, InCluster(**flags)))
        return
    given = [
        f"--{name.replace('_', '-')}"
        for name in ("register", "key", "ca", "kube", "proxy_ca", "proxy_name")
        if flags[name]
    ]
    given += ["--host"] if flags["host"] != _EVERY_HOST else []
    if given:
        raise UsageError(
            f"{given[0]} is for pages in a cluster; here they are answered on {_HOST} alone",
            hint=f"leave {given[0]} out",
        )
    if not store and (kube_context or kubeconfig):
        raise UsageError(
            "--kube-context and --kubeconfig choose the cluster of --store kube",
            hint="leave them out, or give --store kube in place of a path",
        )
    if provider:
        asyncio.run(_serve_provider(provider, provider_ca, flags["port"]))
        return
    read = partial(_read, targets, audit_logs, profiles)
    asyncio.run(_serve(read, Place(store, kube_context, kubeconfig), flags["port"]))


class Place(Struct, frozen=True):
    """Where results are stored; ``store`` is empty for none."""

    store: str
    kube_context: str = ""
    kubeconfig: str = ""

    def open(self) -> Readable:
        """Raises: ``SourceError``, ``StoreError``, ``ClusterError``."""
        said = lambda line: log.info("%s", line)  # noqa: E731 short
        return open_to_read(self.store, self.kube_context, self.kubeconfig, environ=os.environ, said=said)

    def follow(self) -> tuple[Shown, Keeper]:
        command = shell("leadline", "scan", "--from-store", self.store)
        shown = Shown(nothing_yet(self.store, command, is_kubernetes=self.store == KUBE))
        return shown, Keeper(shown, self.open)


async def _serve_in_cluster(place: Place, settings: InCluster) -> None:
    await serve_in_cluster(settings, *place.follow())


async def _serve_provider(url: str, ca_file: str, port: int) -> None:
    ask = ProviderReader(url, os.environ, ca_file)

    def read() -> Known:
        return read_known(ask, ask.host, datetime.now(UTC), f"leadline report --provider {url}")

    _say(f"reading {ask.host}")
    shown = Shown(await asyncio.to_thread(read))
    await shown.become(shown.known)
    await _listen(port, shown, Polled(shown, read, partial(read_sources, ask)))


async def _serve(read: Callable[[], Known], place: Place, port: int) -> None:
    keeper: Keeper | None = None
    if place.store:
        # What is wrong with the name is said before anything is served.
        await place.open().close()
        shown, keeper = place.follow()
    else:
        _say("reading")
        known = await asyncio.to_thread(read)
        shown = Shown(known)
        await shown.become(known)
    await _listen(port, shown, keeper)


async def _listen(port: int, shown: Shown, keeper: Keeper | Polled | None) -> None:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((_HOST, port))
        except OSError as error:
            raise UsageError(
                f"cannot answer at {_HOST}:{port}: {(error.strerror or str(error)).lower()}",
                hint="give another --port, or none to take a free one",
            ) from error
        # Who opens the address at once is answered once the server has begun.
        listening.listen(_BACKLOG)
        await _answer(listening, shown, keeper)


def _read(targets: tuple[str, ...], audit_logs: tuple[str, ...], profiles: tuple[str, ...]) -> Known:
    reports = [is_report_file(path) for path in targets]
    if audit_logs and any(reports):
        raise UsageError("a report holds no roles to hold an audit log against", hint="name the folder")
    if all(reports):
        return read_reports(targets)
    if any(reports):
        raise UsageError(
            "a folder and a report cannot be shown together",
            hint="leadline ui REPORT..., or leadline ui PATH...",
        )
    return read_folder(targets, PostureOptions(environ=os.environ), audit_logs, profiles)


async def _answer(listening: socket.socket, shown: Shown, keeper: Keeper | Polled | None) -> None:
    port = listening.getsockname()[1]
    key = secrets.token_urlsafe(_KEY_BYTES)
    room = f"/{secrets.token_urlsafe(_ROOM_BYTES)}"
    hosts = frozenset(f"{name}:{port}" for name in (_HOST, "localhost"))
    app = App(shown, KeyDoor(key, hosts, room), (f"{room}/pages",))
    config = config_of(app, timeout_graceful_shutdown=_GOODBYE_S)
    server = Server(config, app.stop, sockets=[listening])
    sys.stdout.write(f"http://{_HOST}:{port}{room}/pages/overview?key={key}\n")
    sys.stdout.flush()
    _say("open this address; Ctrl-C ends it")
    await beside(server, [keeper.run()] if keeper else [])


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
