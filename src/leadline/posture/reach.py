"""Workloads as the ends of connections, by the names that users write for them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from leadline.kube.network_policy import PolicyRule
from leadline.kube.reachability import Connection, End, Port, address_of, connection_between, container_ports
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Workload, mapping, text


class Point(NamedTuple):
    """What is at one end."""

    title: str
    """``shop/Deployment/web``, or the address."""
    end: End
    selecting: tuple[PolicyRule, ...] = ()
    """The policies that select its pods."""
    pods: tuple[Workload, Inventory] | None = None
    """The workload and its world; ``None`` for an address."""


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


def points_of(name: str, worlds: Iterable[Inventory]) -> Iterator[Point]:
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
                yield Point("/".join(called), end_of(workload, inventory), rules, (workload, here))


def reach(source: Point, destination: Point, port: Port) -> Connection:
    """What network policies say about a connection."""
    selecting = (source.selecting, destination.selecting)
    return connection_between(selecting, source.end, destination.end, port)
