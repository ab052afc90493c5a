"""``leadline operator``: reads its settings, waits to lead, and then keeps the stored results current.

Each half is a task of its own: ``Continuous`` judges objects. A further half is started beside it in ``_work``, from
the same ``World``: its settings, the connection, the store, the orders for its subject, and ``running``, which is
fed by the one watch of the cluster with every pod and workload. It is cancelled when leadership is lost, and may
raise nothing but what ends the program.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from msgspec.structs import replace

from leadline.api.carriers.local import LocalStore
from leadline.api.carriers.remote import RemoteStore
from leadline.api.protocol import Store
from leadline.errors import ClusterError, UsageError
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.text.plain import plain
from leadline.programs.operator.behaviour import Behaviour
from leadline.programs.operator.continuous import Continuous, World
from leadline.programs.operator.images.following import Accepting, Images
from leadline.programs.operator.images.jobs import ImageSettings, Place
from leadline.programs.operator.lease import Leadership, LeaseSettings, OwnThread
from leadline.programs.operator.notices import Notices
from leadline.programs.operator.runs import IMAGES, POSTURE, Orders
from leadline.programs.operator.schedule import Schedules
from leadline.programs.operator.settings import CONFIG, KUBE, TABLE, Settings, home_of, settings_of
from leadline.programs.operator.waiver_objects import ExceptionStatus
from leadline.programs.operator.watch import RunningImages
from leadline.programs.serving.chores import first_of, say_alive
from leadline.programs.serving.cron import check
from leadline.programs.serving.kube import Kube, KubeError
from leadline.programs.serving.log import log_to_stderr
from leadline.scans.options import PostureOptions
from leadline.scans.posture.policies import choose_policies
from leadline.scans.posture.settings import read_settings, shipped_settings
from leadline.scans.rehearsing.target import read_target
from leadline.scans.stored.followed_results import ScanRules
from leadline.scans.waivers.waiving import waivers_of_files
from leadline.sources.cluster.connection import Cluster, async_client, connect
from leadline.sources.cluster.kubeconfig import NAME_CLUSTER, SCAN_FILES

log = logging.getLogger(__name__)
SWITCH_S = 0.001
"""So long at most what waits for an answer of a server waits for what is judged meanwhile: 20 times for one request."""
GOODBYE_S = 5.0
"""So long the halves have to end."""


def _run(config: str, **flags: Any) -> int:
    """Keep the stored results of a cluster current. One of several replicas works; it needs no open port."""
    settings = settings_of(config or os.environ.get(CONFIG, ""), os.environ, flags)
    if settings.full_scan:
        check(settings.full_scan)
    if not settings.posture and not settings.images.enabled:
        raise UsageError("nothing is left to do", hint="leave --no-posture or --no-images-enabled away")
    secrets = SecretValues()
    log_to_stderr(secrets, is_json=settings.log_json)
    rules = rules_of(settings, secrets)
    sys.setswitchinterval(SWITCH_S)
    try:
        uvloop.run(operate(settings, rules))
    finally:
        for close in rules.policies.closers:
            close()
    return 0


command = TABLE.command("operator", _run, CONFIG)


@contextmanager
def _without_scans() -> Iterator[None]:
    """Where no cluster is found, a scan of files is no help to one who starts an operator."""
    try:
        yield
    except ClusterError as error:
        if error.hint == SCAN_FILES:
            error.hint = NAME_CLUSTER
        raise


def rules_of(settings: Settings, secrets: SecretValues) -> ScanRules:
    """What objects are judged by. Raises: ``UsageError``, ``SourceError``."""
    options = PostureOptions(
        frameworks=("all",),
        exclude_controls=settings.exclude_controls,
        include_namespaces=settings.include_namespaces,
        exclude_namespaces=settings.exclude_namespaces,
        settings_file=settings.controls_config,
        own_controls=settings.own_controls,
        waivers=settings.waivers,
        use_target_waivers=settings.use_target_waivers,
        kube_context=settings.kube_context,
        kubeconfig=settings.kubeconfig,
        environ=os.environ,
        secrets=secrets,
        with_fronts=True,
    )
    policies = choose_policies(options)
    if not settings.posture:
        policies = replace(policies, controls=(), frameworks=())
    known = shipped_settings(policies.known)
    chosen = read_settings(settings.controls_config, known) if settings.controls_config else known
    return ScanRules(options, policies, chosen, home_of(settings))


async def operate(settings: Settings, rules: ScanRules) -> None:
    """Until the process is asked to end. Raises: ``ClusterError``, ``StoreError``."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    kube = _kube(settings)
    store = _store(settings)
    try:
        chores = [_until_stopped(stop), _lead(settings, rules, kube, store)]
        if settings.alive_file:
            chores.append(say_alive(Path(settings.alive_file)))
        await first_of(*chores, within_s=GOODBYE_S)
    finally:
        await store.close()
        await kube.close()
    log.info("ended")


async def _lead(settings: Settings, rules: ScanRules, kube: Kube, store: Store) -> None:
    if not settings.lease:
        await _work(settings, rules, kube, store)
        return
    lease = LeaseSettings(
        home_of(settings),
        settings.lease,
        settings.identity or socket.gethostname(),
        settings.lease_duration_s,
        settings.lease_renew_s,
    )

    leadership = Leadership(kube, lease, OwnThread(lambda: _kube(settings)))
    while True:
        await leadership.lead(lambda: _work(settings, rules, kube, store))


async def _work(settings: Settings, rules: ScanRules, kube: Kube, store: Store) -> None:
    """All that only the leader does."""
    running = RunningImages(asyncio.get_running_loop())
    halves_on = {POSTURE: settings.posture, IMAGES: settings.images.enabled}
    notices = Notices(kube)
    orders = Orders(store, [subject for subject, is_on in halves_on.items() if is_on], notices)

    def connection() -> Cluster:
        with _without_scans():
            return connect(settings.kube_context, settings.kubeconfig, environ=os.environ)

    async def may_list(plural: str, group: str) -> bool:
        return await _may_list(kube, plural, group)

    world = World(
        settings,
        connection,
        store,
        rules,
        ExceptionStatus(kube if settings.use_target_waivers else None, notices=notices),
        orders,
        running,
        may_list,
    )
    schedules = Schedules(store, settings.full_scan if settings.posture else "")
    # What is due is ordered before the first reading, which then answers it.
    await schedules.order(datetime.now(UTC))
    halves = [orders.run(), schedules.run(), Continuous(world).run()]
    if settings.behaviour:
        halves.append(
            Behaviour(store, lambda: read_target((), rules.options), settings.behaviour_every_s).run()
        )
    if settings.images.enabled:
        name = settings.cluster_name or settings.kube_context
        accepting = Accepting(
            waivers_of_files(settings.waivers),
            ExceptionStatus(kube, "vulnerabilities"),
            is_of_target=settings.use_target_waivers,
        )
        place = Place(home_of(settings), settings.kube_context, settings.kubeconfig)
        images = Images(store, running, orders, place, cluster_name=name, accepting=accepting)
        halves.append(images.run(settings.images, kube))
        if settings.images.database and settings.images.database_address:
            halves.append(keep_database(settings.images))
    await first_of(*halves, within_s=GOODBYE_S)


async def _may_list(kube: Kube, plural: str, group: str) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"resource": plural, "group": group, "verb": "list"}},
    }
    try:
        answer = await kube.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    except KubeError:
        return False
    return (answer.get("status") or {}).get("allowed") is True


async def _until_stopped(stop: asyncio.Event) -> None:
    await stop.wait()
    log.info("asked to end")


def _kube(settings: Settings) -> Kube:
    return Kube(async_client(settings.kube_context, settings.kubeconfig, environ=os.environ))


def _store(settings: Settings) -> Store:
    if settings.store == KUBE:
        return RemoteStore(async_client(settings.kube_context, settings.kubeconfig, environ=os.environ))
    return LocalStore(Path(settings.store))


HOUR_S = 3600.0
TRY_AGAIN_S = 5.0
"""After a failure, then twice as long after each further one: the network of a pod that just began may not be there yet."""
LONGEST_WAIT_S = 300.0
LONGEST_S = 3600.0
_LONGEST_LINE = 500
COMMAND = (sys.executable, "-P", "-m", "leadline.programs.cli.main", "db", "fetch", "--from")


async def keep_database(settings: ImageSettings, command: Sequence[str] = COMMAND) -> None:
    """Until it is cancelled. ``command`` takes the address and the flags of ``leadline db fetch --from``."""
    flags = [settings.database_address, "--output", settings.database]
    flags += ["--key", settings.database_key] if settings.database_key else ["--allow-unsigned"]
    flags += ["--ca-file", settings.ca_file] if settings.ca_file else []
    every_s = settings.database_every_h * HOUR_S
    failures = 0
    while True:
        failures = 0 if await _update([*command, *flags]) else failures + 1
        await asyncio.sleep(wait_s(failures, every_s))


def wait_s(failures: int, every_s: float) -> float:
    """Until the next time, after so many failures in a row; a failure is not waited out for longer than ``every_s``."""
    if not failures:
        return every_s
    return min(TRY_AGAIN_S * 2.0 ** min(failures - 1, 16), LONGEST_WAIT_S, every_s)


async def _update(command: Sequence[str]) -> bool:
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            _, said = await child.communicate()
    except TimeoutError:
        said = b"it took too long"
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode == 0:
        return True
    lines = said.decode("utf-8", "replace").strip().splitlines() or ["no reason was given"]
    log.warning("the vulnerability database was not updated: %s", plain(lines[-1], _LONGEST_LINE))
    return False
