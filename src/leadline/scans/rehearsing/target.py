"""Reads policies, workloads, and what the addresses of a cluster are, of files or of a cluster."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from leadline.errors import SourceError
from leadline.kube.rbac import RBAC_KINDS
from leadline.model.resource import Resource, resource_of
from leadline.model.unread import Unread
from leadline.outputs.redaction.report import Redaction
from leadline.scans.options import PostureOptions
from leadline.scans.posture.read_targets import read
from leadline.sources.cluster.connection import connect
from leadline.sources.cluster.rbac import ANY_WORKLOAD
from leadline.sources.cluster.reader import read_cluster

_OF_NETWORK = (
    "NetworkPolicy.networking.k8s.io",
    "CiliumNetworkPolicy.cilium.io",
    "CiliumClusterwideNetworkPolicy.cilium.io",
    "NetworkPolicy.crd.projectcalico.org",
    "GlobalNetworkPolicy.crd.projectcalico.org",
)
_POLICIES = (*_OF_NETWORK, "SeccompProfile.kubescape.io", *RBAC_KINDS)
_WITH_ADDRESSES = {"Pod": "v1", "EndpointSlice.discovery.k8s.io": "discovery.k8s.io/v1"}
_MOST_ADDRESSES = 500_000


class RehearsalTarget(Struct, frozen=True):
    resources: tuple[Resource, ...]
    addresses: tuple[Resource, ...]
    """Pods with their addresses and what Services lead to; a scan of a cluster leaves them out."""
    unread: tuple[Unread, ...]


def read_target(targets: Sequence[str], options: PostureOptions) -> RehearsalTarget:
    """``targets``, or the cluster where there is none.

    Raises: ``SourceError`` where nothing can be read at all.
    """
    hidden = Redaction(options.secrets)
    hidden.add_settings((*options.charts.set, *options.charts.set_string))
    with hidden.errors():
        if not targets:
            return _of_cluster(options, hidden)
        with read(targets, options, ()) as reading:
            if not reading.resources and not reading.unread:
                raise SourceError(f"no Kubernetes objects in {' '.join(targets)}")
            hidden.learn_from(reading.resources)
            return RehearsalTarget(reading.resources, (), tuple(map(hidden.unread, reading.unread)))


def network_of_cluster(options: PostureOptions) -> RehearsalTarget:
    """Network policies, and whose the addresses are. Raises: ``SourceError`` where nothing can be read at all."""
    hidden = Redaction(options.secrets)
    with hidden.errors():
        return _of_cluster(options, hidden, _OF_NETWORK)


def _of_cluster(
    options: PostureOptions, hidden: Redaction, wanted: Sequence[str] = (*_POLICIES, ANY_WORKLOAD)
) -> RehearsalTarget:
    options.say("reading the cluster")
    addresses: list[Resource] = []

    def observe(key: str, body: Mapping[str, Any]) -> None:
        version = _WITH_ADDRESSES.get(key)
        if version is not None and len(addresses) < _MOST_ADDRESSES:
            addresses.append(resource_of({**body, "apiVersion": version, "kind": key.partition(".")[0]}))

    cluster = connect(options.kube_context, options.kubeconfig, environ=options.environ, said=options.note)
    try:
        kinds = {*wanted, "Service", "Namespace", *_WITH_ADDRESSES}
        included, excluded = options.include_namespaces, options.exclude_namespaces
        snapshot = read_cluster(cluster, kinds, included, excluded, observe=observe)
    finally:
        cluster.close()
    unread = list(map(hidden.unread, snapshot.unread))
    if len(addresses) >= _MOST_ADDRESSES:
        unread.append(Unread("pods", f"more than {_MOST_ADDRESSES:,} pods and slices", "too large"))
    return RehearsalTarget(snapshot.resources, tuple(addresses), tuple(unread))
