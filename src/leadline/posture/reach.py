"""Workloads as the ends of connections, by the names that users write for them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from leadline.kube.network_policy import PolicyRule
from leadline.kube.reachability import (
    Connection,
    End,
    Port,
    Side,
    address_of,
    connection_between,
    container_ports,
)
from leadline.posture.apply_unit import DEFAULT_NAMESPACE
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Workload, mapping, mappings, text


class Point(NamedTuple):
    """What is at one end."""

    title: str
    """``shop/Deployment/web``, or the address."""
    end: End
    selecting: tuple[PolicyRule, ...] = ()
    """The policies that select its pods."""
    pods: tuple[Workload, Inventory] | None = None
    """The workload and its world; ``None`` for an address."""
    addresses: tuple[str, ...] = ()
    """Of its pods, as far as these were read."""


class ReadPod(Struct, frozen=True):
    """A pod that runs, as far as it says whose addresses are whose."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    owner: tuple[str, str]
    """Kind and name of what controls it; empty texts for nothing."""
    addresses: tuple[str, ...]


def read_pod(body: Mapping[str, Any]) -> ReadPod | None:
    """``None`` for one that has no address of its own."""
    metadata, status = mapping(body.get("metadata")), mapping(body.get("status"))
    found = dict.fromkeys(
        [text(status.get("podIP")), *(text(one.get("ip")) for _, one in mappings(status.get("podIPs")))]
    )
    addresses = tuple(one for one in found if one)
    is_over = text(status.get("phase")) in ("Succeeded", "Failed")
    if not addresses or is_over or mapping(body.get("spec")).get("hostNetwork") is True:
        return None
    owners = (one for _, one in mappings(metadata.get("ownerReferences")) if one.get("controller") is True)
    owner = next(owners, {})
    labels = {key: text(value) for key, value in mapping(metadata.get("labels")).items()}
    return ReadPod(
        text(metadata.get("namespace")) or DEFAULT_NAMESPACE,
        text(metadata.get("name")),
        labels,
        (text(owner.get("kind")), text(owner.get("name"))),
        addresses,
    )


_MADE_BY = {"Deployment": "ReplicaSet", "Rollout": "ReplicaSet", "CronJob": "Job"}
"""What stands between a workload and its pods; its name begins with that of the workload."""


def _is_pod_of(pod: ReadPod, workload: Workload) -> bool:
    if pod.namespace != workload.namespace:
        return False
    if not workload.is_templated:
        return pod.name == workload.name
    if not workload.labels.items() <= pod.labels.items():
        return False
    kind, name = pod.owner
    between = _MADE_BY.get(workload.kind)
    if between is None:
        return (kind, name) == (workload.kind, workload.name)
    return kind == between and name.startswith(f"{workload.name}-")


def end_of(workload: Workload, inventory: Inventory) -> End:
    """Any of its pods. Of a Pod that runs, address and node are known."""
    running = (one.body for one in workload.containers if one.list == "containers" or one.is_sidecar)
    status = {} if workload.is_templated else mapping(workload.resource.body.get("status"))
    return End(
        namespace=workload.namespace,
        labels=workload.labels,
        namespace_labels=inventory.namespace_labels(workload.namespace),
        is_namespace_known=inventory.get("Namespace", "", workload.namespace) is not None,
        name="" if workload.is_templated else workload.name,
        address=text(status.get("podIP")),
        node=text(workload.pod.get("nodeName")),
        is_on_host_network=workload.pod.get("hostNetwork") is True,
        ports=container_ports(running),
    )


def points_of(name: str, worlds: Iterable[Inventory], pods: Sequence[ReadPod] = ()) -> Iterator[Point]:
    """What ``shop/Deployment/web``, ``shop/web``, ``web`` or an address can mean."""
    if address_of(name) is not None:
        yield Point(name, End(address=name))
        return
    words = name.split("/")
    for inventory in worlds:
        for workload in inventory.workloads:
            called = [workload.namespace, workload.kind, workload.name]
            if words in (called, called[1:], [called[0], called[2]], called[2:]):
                here = inventory.seen_from(workload.resource)
                rules = tuple(here.policies_of(workload))
                end = end_of(workload, inventory)
                own = (one.addresses for one in pods if _is_pod_of(one, workload))
                addresses = tuple(dict.fromkeys(address for some in own for address in some))
                yield Point("/".join(called), end, rules, (workload, here), addresses)


def reach(source: Point, destination: Point, port: Port) -> Connection:
    """What network policies say about a connection; of a workload with pods that were read, about all of these."""
    selecting = (source.selecting, destination.selecting)
    any_pod = connection_between(selecting, source.end, destination.end, port)
    if any_pod.verdict != "unknown" or not (source.addresses or destination.addresses):
        return any_pod
    if max(len(source.addresses), len(destination.addresses)) > MOST_ADDRESSES:
        return any_pod
    found = [
        connection_between(
            selecting, replace(source.end, address=one), replace(destination.end, address=other), port
        )
        for one in source.addresses or (source.end.address,)
        for other in destination.addresses or (destination.end.address,)
        if not (one and other) or (":" in one) == (":" in other)
    ]
    if not found:
        return any_pod
    return Connection(_of_all([one.egress for one in found]), _of_all([one.ingress for one in found]))


MOST_ADDRESSES = 100
"""Of one end, that a connection is asked for one by one."""


def _of_all(sides: Sequence[Side]) -> Side:
    first = sides[0]
    if all(one.verdict == first.verdict for one in sides):
        return first
    return Side("unknown", "it depends on which of its pods has which address", first.policies)
