"""``leadline admission``: takes reviews of the API server until it is asked to stop."""

import asyncio
import logging
import os
import tempfile
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
import uvloop

from leadline.errors import ClusterError, UsageError
from leadline.posture.catalogue import find_frameworks
from leadline.posture.inventory import Facts
from leadline.programs.admission.app import Shown, Webhook
from leadline.programs.admission.counts import Counts
from leadline.programs.admission.known_waivers import KnownWaivers
from leadline.programs.admission.rehearsing import Rehearsal
from leadline.programs.admission.reviewer import Reviewer
from leadline.programs.admission.settings import CONFIG, TABLE, Settings, settings_of
from leadline.programs.serving.chores import beside
from leadline.programs.serving.kube import Kube, KubeError
from leadline.programs.serving.log import log_to_stderr
from leadline.programs.serving.own_certificate import OwnCertificate, trusting_text
from leadline.programs.serving.plain_server import serve_plain
from leadline.programs.serving.pod import own_namespace
from leadline.programs.serving.tls_server import Socket, Tls, server
from leadline.scans.observing.sessions import Sessions
from leadline.scans.options import PostureOptions
from leadline.scans.posture.cluster_source import facts_of_cluster
from leadline.scans.posture.frameworks import load_frameworks
from leadline.scans.posture.one_object import AloneJudge
from leadline.scans.posture.other_ids import chosen_controls
from leadline.scans.posture.policies import Policies, choose_policies
from leadline.scans.posture.settings import read_settings, shipped_settings
from leadline.scans.rehearsing.one_change import recorded_in_cluster
from leadline.scans.waivers.waiving import waivers_of_files
from leadline.sources.cluster.connection import async_client, connect

log = logging.getLogger(__name__)
LOOK_AGAIN_S = 10.0
TRY_AGAIN_S = 1.0
"""While the API server does not trust us, it asks in vain."""
MOST_CONNECTIONS = 500
"""Anyone in the cluster can open them."""
PROGRAM = "leadline-admission"


def _run(config: str, list_controls: bool, **flags: Any) -> int:
    """Judge what is about to be written to a cluster: warn, and with --enforce deny. A validating webhook."""
    if list_controls:
        return _list_controls()
    settings = settings_of(config or os.environ.get(CONFIG, ""), os.environ, flags)
    log_to_stderr(filter=without_messages)
    policies = choose_policies(
        PostureOptions(
            frameworks=("all",),
            exclude_controls=settings.exclude_controls,
            own_controls=settings.own_controls,
            environ=os.environ,
        )
    )
    try:
        with tempfile.TemporaryDirectory(prefix="leadline-tls-") as folder:
            uvloop.run(serve(settings, policies, Path(folder)))
    finally:
        for close in policies.closers:
            close()
    return 0


command = TABLE.command("admission", _run, CONFIG)
command.params.insert(
    1,
    click.Option(
        ["--list-controls"], is_flag=True, help="Print which controls are asked, and why others are not."
    ),
)


def _list_controls() -> int:
    policies = choose_policies(PostureOptions(frameworks=("all",)))
    judge = AloneJudge(policies.controls, shipped_settings(policies.known))
    for control in judge.asked:
        click.echo(f"asked      {control.id} {control.severity:8} {control.title}")
    for skip in judge.not_asked:
        left_out = judge.by_id[skip.control]
        click.echo(f"not asked  {left_out.id} {left_out.severity:8} {left_out.title}: {skip.why}")
    return 0


def reviewer_of(settings: Settings, policies: Policies, facts: Facts) -> Reviewer:
    """Raises: ``UsageError`` for controls and frameworks that there are not, or that would deny and are not asked."""
    known = shipped_settings(policies.known)
    chosen = read_settings(settings.controls_config, known) if settings.controls_config else known
    judge = AloneJudge(policies.controls, chosen, facts)
    asked = {control.id for control in judge.asked}
    named = {control.id for control in chosen_controls(settings.deny_controls, policies.known)}
    for id in sorted(named - asked):
        raise UsageError(
            f"denyControls: {id} is not asked at admission", hint="leadline admission --list-controls"
        )
    frameworks = find_frameworks(settings.deny_frameworks, load_frameworks(policies.known))
    for framework in frameworks:
        without = [id for id in framework.control_ids if id not in asked]
        if without:
            log.warning(
                "%s: %d of its controls are not asked: %s", framework.name, len(without), ", ".join(without)
            )
    listed = {id for framework in frameworks for id in framework.control_ids}
    return Reviewer(
        settings, judge, frozenset(named | (listed & asked)), settings.namespace or own_namespace()
    )


def without_messages(record: logging.LogRecord) -> bool:
    """Takes out of a traceback what the error says, which may repeat what was judged; where it happened stays."""
    if record.exc_info and record.exc_info[0] is not None:
        where = "".join(traceback.format_tb(record.exc_info[2]))
        record.exc_text = f"{where}{record.exc_info[0].__name__}"
    return True


async def serve(settings: Settings, policies: Policies, folder: Path) -> None:
    """``folder`` takes the certificate that we make. Raises: ``UsageError``, ``ClusterError``, ``SourceError``."""
    where = (settings.kube_context, settings.kubeconfig)
    wants_cluster = settings.use_target_waivers or bool(settings.webhook)
    facts = await asyncio.to_thread(_facts, where) if wants_cluster else Facts(cloud="none")
    reviewer = reviewer_of(settings, policies, facts)
    log.info(
        "%d controls are asked, %d take other objects and are not; %s",
        len(reviewer.judge.asked),
        len(reviewer.judge.not_asked),
        f"{settings.deny_severity} denies" if settings.enforce else "nothing is denied",
    )
    connection = partial(connect, *where, environ=os.environ) if settings.use_target_waivers else None
    waivers = KnownWaivers(waivers_of_files(settings.waivers), connection)
    host = settings.own_certificate_for
    own = OwnCertificate(folder, host, PROGRAM) if host else None
    pair = (own.certificate, own.key) if own else (Path(settings.certificate), Path(settings.key))
    socket = Socket(settings.host, settings.port, *pair, MOST_CONNECTIONS)
    trusted = Trusted()
    sessions = Sessions(os.environ, *where, os.environ.get("NODE_NAME", "")) if settings.sessions else None
    counts = Counts(partial(_gauges, waivers, own, trusted, sessions))
    options = PostureOptions(
        kube_context=settings.kube_context, kubeconfig=settings.kubeconfig, environ=os.environ
    )
    rehearsal = Rehearsal(partial(recorded_in_cluster, options)) if settings.rehearse else None
    webhook = Webhook(reviewer, waivers, counts, sessions.take if sessions else None, rehearsal)
    tls = Tls(socket, "")
    serving = server(webhook, socket, tls, webhook.end, settings.drain_s)
    chores = [_renew(own, tls, trusted if settings.webhook else None)]
    kube = Kube(async_client(*where, environ=os.environ)) if settings.webhook and own else None
    if kube is not None and own is not None:
        chores.append(_be_trusted(kube, settings.webhook, own, trusted))
    if sessions is not None:
        chores.append(sessions.run())
    if settings.metrics_port:
        chores.append(serve_plain(Shown(counts, webhook), settings.host, settings.metrics_port))
    waivers.start()
    if rehearsal is not None:
        rehearsal.start()
    try:
        log.info("serving at port %d", settings.port)
        await beside(serving, chores)
    finally:
        waivers.stop()
        if rehearsal is not None:
            rehearsal.stop()
        if kube is not None:
            await kube.close()
    log.info("ended")


class Trusted:
    """Whether the API server is known to trust us, and by which CA."""

    is_so = False
    ca = ""


def _facts(where: tuple[str, str]) -> Facts:
    try:
        return facts_of_cluster(*where, os.environ)
    except ClusterError as error:
        log.warning("the version of the cluster is not known: %s", error)
        return Facts(cloud="none")


def _gauges(
    waivers: KnownWaivers, own: OwnCertificate | None, trusted: Trusted, sessions: Sessions | None
) -> Iterable[tuple[str, str, float]]:
    yield "waivers", "Accepted findings that are known, of files and of the cluster.", waivers.number
    is_read = not waivers.known.unread
    yield "waivers_read", "1 where all that the cluster accepts is known.", float(is_read)
    if sessions is not None:
        yield "sessions_not_stored", "Ways into pods that no alert is stored of.", sessions.not_stored
    if own is not None:
        yield "trusted", "1 where the API server has our CA.", float(trusted.is_so)
        yield "certificate_ends_timestamp_seconds", "When our certificate ends.", own.ends.timestamp()


async def _renew(own: OwnCertificate | None, tls: Tls, trusted: Trusted | None) -> None:
    """``trusted``: ``None`` where others see to it that we are trusted."""
    while True:
        await asyncio.sleep(LOOK_AGAIN_S)
        try:
            is_trusted = own is None or trusted is None or trusted.ca == own.ca
            renew_where_due(own, tls, datetime.now(UTC), is_trusted=is_trusted)
        except OSError as error:
            log.warning("our certificate: %s", error)


def renew_where_due(own: OwnCertificate | None, tls: Tls, now: datetime, *, is_trusted: bool) -> None:
    """Makes our own certificate again before it ends, and shows it once its CA ``is_trusted``.

    Takes up one that others have replaced. Raises: ``OSError``.
    """
    if own is not None:
        own.turn(now, is_trusted=is_trusted)
    tls.renew("")


async def _be_trusted(kube: Kube, name: str, own: OwnCertificate, trusted: Trusted) -> None:
    said = ""
    while True:
        ca = own.ca
        try:
            trusted.is_so = await trust(kube, name, ca)
            trusted.ca = ca if trusted.is_so else ""
            why = "" if trusted.is_so else f"there is no {name}, so nothing is asked"
        except KubeError as error:
            trusted.is_so, why = False, str(error)
        if why and why != said:
            log.warning("the API server does not trust us: %s", why)
        said = why
        await asyncio.sleep(LOOK_AGAIN_S if trusted.is_so else TRY_AGAIN_S)


PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
ATTEMPTS = 5
_CONFLICT = 409
Body = dict[str, Any]


async def trust(kube: Kube, name: str, ca: str) -> bool:
    """Puts ``ca`` into each webhook of the configuration that lacks it; whether all of them have it now.

    False without such a configuration: then the API server asks no one. Raises: ``KubeError``.
    """
    for _ in range(ATTEMPTS):
        held = await kube.get(f"{PATH}/{name}")
        if held is None:
            return False
        wanted = [_trusting(webhook, ca) for webhook in held.get("webhooks") or ()]
        if wanted == (held.get("webhooks") or []):
            return bool(wanted)
        # Of that version and no other: what someone else changes meanwhile must not be undone.
        version = (held.get("metadata") or {}).get("resourceVersion")
        change = {"metadata": {"resourceVersion": version}, "webhooks": wanted}
        try:
            await kube.patch(f"{PATH}/{name}", change)
        except KubeError as error:
            if error.status == _CONFLICT:
                continue
            raise
        log.info("%s trusts our CA", name)
        return True
    return False


def _trusting(webhook: Body, ca: str) -> Body:
    client = webhook.get("clientConfig") or {}
    wanted = trusting_text(client.get("caBundle"), ca)
    return (
        webhook
        if wanted == (client.get("caBundle") or "")
        else {**webhook, "clientConfig": {**client, "caBundle": wanted}}
    )
