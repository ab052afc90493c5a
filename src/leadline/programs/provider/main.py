"""``leadline provider``: receives results, and shows that nothing of the past was changed."""

import asyncio
import ipaddress
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack, closing
from functools import wraps
from pathlib import Path
from typing import Any, get_args

import click

from leadline.api.protocol import Readable
from leadline.errors import GATE_FAILED, SourceError, StoreError, UsageError
from leadline.programs.provider.adding import Kind, add_source, add_tenant, add_token, stamp
from leadline.programs.provider.admin import ADMIN_ROUTES
from leadline.programs.provider.app import App
from leadline.programs.provider.archiving import archive, read_key, restore_log, verified
from leadline.programs.provider.compat import CompatDoor
from leadline.programs.provider.doors import DEFAULT_TENANT, Doors, Readers, read_readers
from leadline.programs.provider.exporting import export
from leadline.programs.provider.flags import data_folder, public_key
from leadline.programs.provider.ingest import utc_now
from leadline.programs.provider.openapi import openapi
from leadline.programs.provider.place import Place, make_provider
from leadline.programs.provider.pushing import push
from leadline.programs.provider.questions import Questions
from leadline.programs.provider.routes import Parts
from leadline.programs.provider.views import views_sql
from leadline.programs.provider.watchman import SETTLED
from leadline.programs.service import run
from leadline.programs.serving.chores import beside as with_chores
from leadline.programs.serving.chores import say_alive
from leadline.programs.serving.log import log_to_stderr
from leadline.programs.serving.plain_server import plain_config, serve_plain
from leadline.programs.serving.provider_client import Patient, fetched, provider_client, submit_token
from leadline.programs.serving.submitting import Pace as SendPace
from leadline.programs.serving.submitting import Submitting
from leadline.programs.serving.tls_server import Server, Socket, Tls, listening, server
from leadline.scans.stored.opening import open_to_read
from leadline.scans.submitting.changing import ChangeSender
from leadline.scans.submitting.compat import account_of
from leadline.scans.submitting.outbox import Outbox
from leadline.scans.submitting.sending import Channel, destination, provider_base

log = logging.getLogger(__name__)
_UNITS = {"m": 60, "h": 3_600, "d": 86_400}
_RENEW_S = 60.0

EPILOG = """
\b
  leadline provider init --name provider.example
      makes the folder provider/, with the key that signs
  leadline provider add-source shop-eu --every 24h
      prints the token that may report as shop-eu, once
  leadline provider add-reader wall
      prints a token that may read
  leadline provider serve --certificate tls.crt --key tls.key
  leadline scan deploy/ --submit https://provider.example:8443/shop-eu
      LEADLINE_SUBMIT_TOKEN holds the token
  leadline provider verify provider/logs/default/shop-eu --key provider/key.txt
      names every entry that is not what was acknowledged

docs/provider.md says what a provider proves, and what it cannot.
"""


@click.group(
    "provider",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
def command() -> None:
    """Receive results from many clusters and repositories; what was received cannot be changed by who sent it."""


_database = click.option(
    "--database",
    default="",
    metavar="postgresql://…",
    envvar="LEADLINE_PROVIDER_DATABASE",
    help="PostgreSQL for the tables, in place of a file in the folder.",
)
_tenant = click.option(
    "--tenant",
    default=DEFAULT_TENANT,
    show_default=True,
    help="Whose it is: readers see their own tenant alone.",
)


def _opened(command: Callable[..., Any]) -> Callable[..., Any]:
    """``place``: the open folder, of ``--data`` and ``--database``."""

    @wraps(command)
    def with_place(data: Path, database: str, **given: Any) -> Any:
        with closing(Place(data, database)) as place:
            return command(place, **given)

    return data_folder(_database(with_place))


@command.command()
@data_folder
@click.option("--name", required=True, help="Part of every checkpoint, for example its host.")
def init(data: Path, name: str) -> None:
    """Make a provider: a folder with a key of its own."""
    keys = make_provider(data, name)
    _say(f"made: {data}. Senders and auditors know it by this key:")
    click.echo(keys.verifier.line)


@command.command()
@data_folder
@_database
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8_443, show_default=True, type=click.IntRange(0, 65_535), help="Port.")
@click.option("--certificate", type=click.Path(path_type=Path), help="Own certificate, PEM.")
@click.option("--key", type=click.Path(path_type=Path), help="Its key, PEM.")
@click.option(
    "--behind-proxy", is_flag=True, help="Speak plain HTTP beyond this machine: a proxy in front ends TLS."
)
@click.option(
    "--compat",
    default="",
    metavar="https://HOST",
    help="Also answer Kubescape's CLI, whose senders know this provider by that address.",
)
@click.option(
    "--compat-policies",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="With --compat: folder of that project's policies, as JSON; its CLI runs their rules.",
)
@click.option(
    "--readers",
    type=click.Path(path_type=Path),
    help="TOML: readers by an OIDC issuer or a proxy in front, and the tenant of each group.",
)
@click.option(
    "--admin-port",
    type=click.IntRange(1, 65_535),
    help="Port on this machine alone for administrators, who reach nothing by the other.",
)
def serve(
    data: Path,
    database: str,
    host: str,
    port: int,
    certificate: Path | None,
    key: Path | None,
    compat: str,
    compat_policies: Path | None,
    readers: Path | None,
    admin_port: int | None,
    *,
    behind_proxy: bool,
) -> None:
    """Answer senders and readers until asked to stop."""
    log_to_stderr()
    # It says of each of two servers that it has started; where they listen is said below.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    if bool(certificate) != bool(key):
        raise UsageError("--certificate and --key belong together")
    if compat_policies and not compat:
        raise UsageError("--compat-policies belongs to --compat")
    if not (certificate or behind_proxy or _is_loopback(host)):
        raise UsageError(
            f"tokens would cross the network to {host} in clear text",
            hint="give --certificate and --key, or --behind-proxy where a proxy ends TLS",
        )
    known = read_readers(readers) if readers else None
    ca = known.certificates() if known else ""
    if ca and not certificate:
        raise UsageError(
            f"{readers} asks for client certificates, which need TLS here",
            hint="give --certificate and --key",
        )
    tls: Tls | None = None
    if certificate and key:
        # Read before anything is announced.
        socket = Socket(host, port, certificate, key)
        tls = _tls(socket, ca)
    with closing(Place(data, database)) as place, place.alone(), ExitStack() as taken:
        ingest = place.ingest()
        if missing := ingest.catch_up():
            _say(f"{missing:,} entries of the logs were missing from the tables, and were added")
        parts = Parts(place.tables, ingest, Questions(place.tables, utc_now))
        doors = Doors(place.tables, known, fetched)
        app: App | CompatDoor = App(parts, doors)
        if compat:
            app = CompatDoor(app, parts, doors, compat_policies, provider_base(compat))
        if known:
            _say_unknown(place, known, readers)
        sockets = taken.enter_context(listening(host, port))
        chores: list[Coroutine[Any, Any, None]] = [_renewed(tls, ca)] if tls else []
        if admin_port:
            there = taken.enter_context(listening("127.0.0.1", admin_port))
            chores.append(serve_plain(App(parts, routes=ADMIN_ROUTES), "127.0.0.1", admin_port, there))
        if tls:
            main = server(app, socket, tls, lambda: None, sockets=sockets)
        else:
            main = Server(plain_config(app, host, port), sockets=sockets)
        known_sources = len(place.tables.sources())
        _say(
            f"{place.keys.name}: {data}, {known_sources:,} source{'' if known_sources == 1 else 's'},"
            f" at {host}:{sockets[0].getsockname()[1]}"
        )
        asyncio.run(with_chores(main, chores))
        ingest.close()


def _tls(socket: Socket, ca: str) -> Tls:
    """Raises: ``UsageError``."""
    try:
        return Tls(socket, ca)
    except OSError as error:
        flag = "--certificate" if error.filename == str(socket.certificate) else "--key"
        why = error.strerror or str(error)
        raise UsageError(
            f"{flag} {error.filename}: {why[:1].lower()}{why[1:]}", hint="name a file in PEM"
        ) from error


def _say_unknown(place: Place, known: Readers, file: Path | None) -> None:
    """What ``file`` names that is not there."""
    for group, tenant in sorted(known.groups.items()):
        if tenant not in place.tables.tenants():
            _say(
                f"{file}: group {group} reads nothing: unknown tenant {tenant}; "
                f"leadline provider add-tenant {tenant} adds it"
            )
    for name in sorted(known.tokens.names if known.tokens else {}):
        tenant, _, token = name.rpartition("/")
        if not place.tables.has_token(tenant or DEFAULT_TENANT, token):
            _say(f"{file}: [tokens.names] binds {name}, an unknown token")


async def _renewed(tls: Tls, ca: str) -> None:
    """Takes up a certificate that others have replaced."""
    while True:
        await asyncio.sleep(_RENEW_S)
        try:
            tls.renew(ca)
        except OSError as error:
            log.warning("the certificate was not renewed: %s", error)


@command.command("add-source")
@click.argument("name")
@_opened
@_tenant
@click.option(
    "--kind", default="cluster", show_default=True, type=click.Choice(get_args(Kind)), help="What reports."
)
@click.option(
    "--every",
    default="0",
    metavar="24h",
    help="How often something is due: 30m, 24h, 7d. After twice that the source counts as silent.",
)
def new_source(place: Place, name: str, tenant: str, kind: str, every: str) -> None:
    """Add a source, and print the token that may report as it."""
    token = add_source(place.tables, name, kind, _seconds(every), tenant)
    _show(token, "may only add to this source and read nothing")


@command.command("add-token")
@click.argument("name")
@click.argument("source")
@_opened
@_tenant
def new_token(place: Place, name: str, source: str, tenant: str) -> None:
    """Add another token of a SOURCE, before the old one is dropped."""
    token = add_token(place.tables, name, "write", source, tenant)
    _show(token, f"may only add to {source} and read nothing")


@command.command("add-reader")
@click.argument("name")
@_opened
@_tenant
def new_reader(place: Place, name: str, tenant: str) -> None:
    """Print a token that may read every source of its tenant."""
    token = add_token(place.tables, name, "read", tenant=tenant)
    _show(token, f"may read every source of tenant {tenant}, and write nothing")


@command.command()
@click.argument("source")
@_opened
@_tenant
def account(place: Place, source: str, tenant: str) -> None:
    """Print the account of a SOURCE, for a CLI that names sources by a UUID (serve --compat)."""
    place.tables.known_source(tenant, source)
    click.echo(account_of(place.keys.name, source, "" if tenant == DEFAULT_TENANT else tenant))


@command.command("add-admin")
@click.argument("name")
@_opened
def new_admin(place: Place, name: str) -> None:
    """Print a token for the port of administrators."""
    _show(add_token(place.tables, name, "admin", tenant=""), "opens the port of administrators alone")


@command.command("add-tenant")
@click.argument("name")
@_opened
def new_tenant(place: Place, name: str) -> None:
    """Add a tenant: sources and readers that see nothing of the others."""
    add_tenant(place.tables, name)
    _say(f"added: tenant {name}")


@command.command("drop-token")
@click.argument("name")
@_opened
@click.option(
    "--tenant",
    default=DEFAULT_TENANT,
    show_default=True,
    help="Whose it is; empty for one of an administrator.",
)
def drop_token(place: Place, name: str, tenant: str) -> None:
    """Make a token invalid at once."""
    if tenant:
        place.tables.known_tenant(tenant)
    if not place.tables.drop_token(tenant, name):
        whose = f"tenant {tenant} has no" if tenant else "no administrator has the"
        raise UsageError(f"{whose} token {name[:100]}")
    _say(f"dropped: token {name}; it is refused from now on")


@command.command()
@click.argument("source")
@_opened
@_tenant
def settle(place: Place, source: str, tenant: str) -> None:
    """End the alerts of a SOURCE that a person has looked into; where it reported about something else, it may from now on."""
    found = place.tables.known_source(tenant, source)
    lasting = Questions(place.tables, utc_now).alerts(tenant).items
    kinds = [one.kind for one in lasting if one.source == source and not one.over]
    place.tables.settle(found, SETTLED, stamp())
    ended = ", ".join(one for one in kinds if one in SETTLED) or "none"
    _say(f"settled: {source}; alerts that ended: {ended}")
    if "silence" in kinds:
        _say(f"{source} is still silent until its next report")


@command.command()
@click.argument("log", type=click.Path(path_type=Path))
@public_key
def verify(log: Path, key_file: Path) -> int:
    """Read a LOG whole, and name every entry that is not what was acknowledged."""
    return verified(log, read_key(key_file))


@command.command()
@_opened
def rebuild(place: Place) -> int:
    """Rebuild the tables from the logs, and compare."""
    code = 0
    with place.alone():
        ingest = place.ingest()
        ingest.catch_up()
        for source in place.tables.sources():
            where = f"{source.tenant}/{source.name}"
            try:
                entries, is_equal = ingest.rebuilt(source)
            except (SourceError, StoreError) as error:
                # Its tables stay as they were; the other sources are still rebuilt.
                _say(f"leadline: {where} is not rebuilt: {error}")
                code = error.exit_code
                continue
            words = "equal" if is_equal else "the tables were different"
            click.echo(f"{where}: {entries:,} entries, {words}")
            code = max(code, 0 if is_equal else GATE_FAILED)
        place.tables.sum_places()
        ingest.close()
    return code


@command.command()
@click.argument("address", metavar="https://HOST/SOURCE")
@click.option(
    "--from-store", "store", required=True, metavar="kube|FILE", help="Stored results that are followed."
)
@click.option("--kube-context", default="", metavar="NAME", help="Context of the kubeconfig.")
@click.option("--kubeconfig", default="", metavar="FILE", help="Kubeconfig, in place of $KUBECONFIG.")
@click.option(
    "--outbox",
    default="leadline-outbox.db",
    show_default=True,
    type=click.Path(path_type=Path),
    help="File of what was acknowledged, and what is on its way.",
)
@click.option("--ca", default="", metavar="FILE", help="Certificates to trust, PEM.")
@click.option("--certificate", default="", metavar="FILE", help="Client certificate, PEM.")
@click.option("--key", default="", metavar="FILE", help="Its key, PEM.")
@click.option(
    "--every", default="1h", show_default=True, metavar="1h", help="Without a change, a sign of life."
)
@click.option(
    "--alive-file", default="", metavar="FILE", help="Gets the time in seconds, for a probe, while it runs."
)
@click.option("--once", is_flag=True, help="Send what differs now, and end.")
def send(
    address: str, store: str, kube_context: str, kubeconfig: str, outbox: Path, every: str, **given: Any
) -> None:
    """Follow stored results, and send to a provider what changes. LEADLINE_SUBMIT_TOKEN holds the token."""
    log_to_stderr()
    place = destination(address)
    token = submit_token(os.environ)
    pace = SendPace(every_s=float(_seconds(every) or 3_600))

    def opened() -> Readable:
        return open_to_read(store, kube_context, kubeconfig, environ=os.environ)

    async def tried() -> None:
        await opened().close()

    # What is wrong with the name is said before anything waits for it.
    asyncio.run(tried())
    held = Outbox(outbox, f"{place.base}/{place.source}")
    with closing(held), provider_client(given["ca"], given["certificate"], given["key"]) as client:
        _say(f"sending changes in {store} to {place.host} as {place.source}")
        submitting = Submitting(
            ChangeSender(Channel(place, token, Patient(client, "--ca")), held), opened, pace
        )
        if given["once"]:
            _say(f"messages delivered: {asyncio.run(submitting.once()):,}")
        else:
            asyncio.run(_followed(submitting, given["alive_file"]))


async def _followed(submitting: Submitting, alive_file: str) -> None:
    """Until it is stopped, by SIGTERM as well. Raises: ``DoubtError``."""
    running = asyncio.ensure_future(submitting.run())
    alive = asyncio.ensure_future(say_alive(Path(alive_file))) if alive_file else None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        log.info("ended")
    finally:
        if alive:
            alive.cancel()


@command.command("openapi")
@click.option("--admin", is_flag=True, help="That of the port of administrators.")
def print_openapi(*, admin: bool) -> None:
    """Print the document of the API."""
    import msgspec

    document = openapi(ADMIN_ROUTES) if admin else openapi()
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _seconds(text: str) -> int:
    """Raises: ``UsageError``."""
    number, unit = text[:-1], text[-1:]
    if text == "0":
        return 0
    if unit not in _UNITS or not number.isdecimal() or not 0 < int(number[:9]) * _UNITS[unit] < 10**9:
        raise UsageError(f"invalid --every {text[:40]}", hint="use 30m, 24h or 7d")
    return int(number) * _UNITS[unit]


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _show(token: str, may: str) -> None:
    _say(f"this token is shown once; it {may}")
    click.echo(token)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@command.command()
@click.option("--role", default="", help="Role of PostgreSQL that may read them; it has to be there.")
def views(role: str) -> None:
    """Print SQL that makes read-only views for dashboards: read_open, read_gone, read_days, read_sources, read_images."""
    if role and not re.fullmatch("[a-z_][a-z0-9_]{0,62}", role):
        raise UsageError(f"invalid --role {role[:60]}", hint="use small letters, digits and underscores")
    click.echo(views_sql(role))


command.add_command(push)
command.add_command(archive)
command.add_command(export)
command.add_command(restore_log)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code."""
    return run(command, arguments)
