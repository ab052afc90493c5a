"""Objects from a live cluster."""

import os
from collections.abc import Iterator, Sequence

from leadline.errors import UsageError
from leadline.kube.rbac import Grant
from leadline.model.control import Control
from leadline.model.finding import Skip
from leadline.model.report import Target
from leadline.outputs.place import NoPlaces
from leadline.posture.required_kinds import kinds_needed
from leadline.programs.cli.scanning.reading import Reading, Say
from leadline.programs.cli.scanning.request import Request
from leadline.sources.cluster.listing import Progress
from leadline.sources.cluster.rbac import expand
from leadline.sources.cluster.reader import Cluster, connect, get_workload, read_cluster

NO_CLOUD = "none"
"""A cluster that is no service of a cloud that we know."""


def read_cluster_of(request: Request, controls: Sequence[Control], say: Say) -> Reading:
    """The cluster of the chosen context, as far as the chosen controls look at it.

    Raises: ``ClusterError`` where there is none or nothing of it can be read.
    """
    say("reading the cluster")
    cluster = connect(request.kube_context, request.kubeconfig, environ=os.environ)
    try:
        if request.form == "workload":
            return _one(cluster, request.names[0], controls)
        return _all(cluster, request, controls, say)
    finally:
        cluster.close()


def _all(cluster: Cluster, request: Request, controls: Sequence[Control], say: Say) -> Reading:
    def show(progress: Progress) -> None:
        waiting = f", waiting {progress.waiting_s:.0f} s: {progress.why}" if progress.waiting_s else ""
        say(f"reading {progress.kind}, {progress.read:,} so far{waiting}")

    snapshot = read_cluster(
        cluster, kinds_needed(controls), request.include_namespaces, request.exclude_namespaces, show
    )
    say("judging")
    return Reading(
        Target(
            "cluster",
            snapshot.context,
            server_version=snapshot.server_version,
            cloud=snapshot.cloud or NO_CLOUD,
        ),
        snapshot.resources,
        NoPlaces(),
        snapshot.unread,
        is_whole=not request.include_namespaces and not request.exclude_namespaces,
        skips=tuple(_skips_for_unread_kinds(controls, snapshot.unread_kinds)),
    )


def _skips_for_unread_kinds(controls: Sequence[Control], unread_kinds: frozenset[str]) -> Iterator[Skip]:
    """Controls that what could not be read leaves without a verdict: their objects, or those of their joins."""
    for control in controls if unread_kinds else ():
        if control.check is None:
            continue
        looks_at = expand(kinds_needed([control])) - expand(control.reads)
        missing = unread_kinds & expand(control.reads)
        if control.subject is Grant or (looks_at and looks_at <= unread_kinds):
            missing |= unread_kinds & looks_at
        if missing:
            yield Skip(control.id, f"not read: {', '.join(sorted(missing))}", "not read")


def _one(cluster: Cluster, name: str, controls: Sequence[Control]) -> Reading:
    """One workload, read by ``get`` alone; controls that need other objects beside it are not asked."""
    *namespace, kind, plain_name = name.split("/") if name.count("/") in (1, 2) else ("", "", "")
    if not kind or not plain_name:
        raise UsageError(
            f"{name} names no workload", hint="write it as namespace/Kind/name, shop/Deployment/web"
        )
    resource = get_workload(cluster, namespace[0] if namespace else "", kind, plain_name)
    why = "needs other objects of the cluster as well; leadline scan reads them all"
    skips = tuple(Skip(control.id, why, "not read") for control in controls if control.reads)
    target = Target("cluster", cluster.context, server_version=cluster.server_version, cloud="")
    return Reading(target, (resource,), NoPlaces(), skips=skips)
