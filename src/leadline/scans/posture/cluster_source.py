"""Objects from a live cluster."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from leadline.kube.rbac import Grant, Rights
from leadline.model.control import BuiltControl
from leadline.model.finding import Skip
from leadline.model.report import Target
from leadline.outputs.rows.no_places import NoPlaces
from leadline.posture.inventory import Facts
from leadline.posture.required_kinds import kinds_needed
from leadline.posture.risk.fronts import FRONT_KINDS
from leadline.scans.options import PostureOptions
from leadline.scans.posture.reading import Reading
from leadline.scans.posture.selection import split_workload
from leadline.sources.cluster.connection import Cluster, connect
from leadline.sources.cluster.listing import OnProgress, Progress
from leadline.sources.cluster.rbac import expand
from leadline.sources.cluster.reader import ClusterSnapshot, cloud_of, get_workload, read_cluster
from leadline.sources.waivers.security_exceptions import KINDS

NO_CLOUD = "none"
"""A cluster that no known cloud runs as a service."""


def facts_of_cluster(kube_context: str, kubeconfig: str, environ: Mapping[str, str]) -> Facts:
    """The version of the cluster and its cloud, for those who judge objects one at a time.

    Raises: ``ClusterError`` where there is none.
    """
    cluster = connect(kube_context, kubeconfig, environ=environ)
    try:
        return Facts(server_version=cluster.server_version, cloud=cloud_of(cluster, ()) or NO_CLOUD)
    finally:
        cluster.close()


@contextmanager
def open_cluster_of(options: PostureOptions, controls: Sequence[BuiltControl]) -> Iterator[Reading]:
    """Reads the cluster of the chosen context, as far as the chosen controls look at it.

    Raises: ``ClusterError`` where there is none or nothing of it can be read.
    """
    options.say("reading the cluster")
    cluster = connect(options.kube_context, options.kubeconfig, environ=options.environ, said=options.note)
    try:
        if options.workload:
            reading = _one(cluster, options.workload, controls)
        else:
            reading = _all(cluster, options, controls)
    finally:
        cluster.close()
    yield reading


def _all(cluster: Cluster, options: PostureOptions, controls: Sequence[BuiltControl]) -> Reading:
    snapshot = read_cluster(
        cluster,
        kinds_read(controls, options),
        options.include_namespaces,
        options.exclude_namespaces,
        shown_by(options),
        observe=options.observe,
    )
    return reading_of(snapshot, options, controls)


def kinds_read(controls: Sequence[BuiltControl], options: PostureOptions) -> set[str]:
    """What a cluster is asked for: ``Kind``, ``Kind.group``, ``workloads``."""
    return {
        *kinds_needed(controls),
        *(KINDS if options.use_target_waivers else ()),
        *(FRONT_KINDS if options.with_fronts else ()),
    }


def shown_by(options: PostureOptions) -> OnProgress:
    def show(progress: Progress) -> None:
        waiting = f", waiting {progress.waiting_s:.0f} s: {progress.why}" if progress.waiting_s else ""
        options.say(f"reading {progress.kind}, {progress.read:,} so far{waiting}")

    return show


def reading_of(
    snapshot: ClusterSnapshot, options: PostureOptions, controls: Sequence[BuiltControl]
) -> Reading:
    """What a source hands over, of a cluster that was read."""
    options.say("judging")
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
        is_whole=not options.include_namespaces and not options.exclude_namespaces,
        skips=tuple(_skips_for_unread_kinds(controls, snapshot.unread_kinds)),
    )


def _skips_for_unread_kinds(controls: Sequence[BuiltControl], unread_kinds: frozenset[str]) -> Iterator[Skip]:
    """Controls that what could not be read leaves without a verdict: their objects, or those of their joins."""
    for control in controls if unread_kinds else ():
        if control.check is None:
            continue
        looks_at = expand(kinds_needed([control])) - expand(control.reads)
        missing = unread_kinds & expand(control.reads)
        if control.subject in (Grant, Rights) or (looks_at and looks_at <= unread_kinds):
            missing |= unread_kinds & looks_at
        if missing:
            yield Skip(control.id, f"not read: {', '.join(sorted(missing))}", "not read")


def _one(cluster: Cluster, name: str, controls: Sequence[BuiltControl]) -> Reading:
    """One workload, read by ``get`` alone; controls that need other objects beside it are not asked."""
    namespace, kind, plain_name = split_workload(name)
    resource = get_workload(cluster, namespace, kind, plain_name)
    why = "needs other objects of the cluster as well; leadline scan reads them all"
    skips = tuple(Skip(control.id, why, "not read") for control in controls if control.reads)
    target = Target("cluster", cluster.context, server_version=cluster.server_version, cloud="")
    return Reading(target, (resource,), NoPlaces(), skips=skips)
