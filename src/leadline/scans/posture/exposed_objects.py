"""Which objects can be reached from outside the cluster, and through what."""

from collections.abc import Iterator, Mapping, Sequence

from leadline.model.resource import Resource
from leadline.posture.checks.exposure import (
    ROUTE_KINDS,
    gateway_exposures,
    ingress_exposures,
    service_exposures,
)
from leadline.posture.inventory import Facts, Inventory
from leadline.posture.risk.entries import ways_from_outside
from leadline.posture.subject import Workload, mapping, mappings
from leadline.posture.worlds import Worlds

KINDS = ("Service", "Ingress.networking.k8s.io", *ROUTE_KINDS)
"""What has to be read for it, beside the workloads."""


def exposed_objects(resources: Sequence[Resource], *, is_whole: bool) -> Mapping[str, tuple[str, ...]]:
    """The titles of what leads to an object from outside, by its id; objects that nothing leads to are not in it."""
    return exposed_in(Worlds(resources, Facts(is_whole=is_whole)))


def exposed_in(worlds: Worlds) -> Mapping[str, tuple[str, ...]]:
    """As ``exposed_objects``, of what is joined already."""
    found: dict[str, tuple[str, ...]] = {}
    for resource in worlds.resources:
        inventory = worlds.around(resource)
        ways = [way for workload in inventory.workloads_of(resource) for way in _ways(workload, inventory)]
        if ways:
            found[resource.id] = tuple(dict.fromkeys(ways))
    return found


def ways_before(workload: Workload, inventory: Inventory) -> Iterator[tuple[str, str]]:
    """The titles of what leads to the pods from outside, and what asks for a login there, in words.

    ``shop/Ingress/web → shop/Service/web``, ``behind Authelia, as far as its configuration was read``.
    """
    for entry in ways_from_outside(workload, inventory):
        through = " → ".join(one.title for one in entry.through) or entry.place
        if entry.front is None:
            yield through, "no login was found"
        elif entry.front.is_read:
            yield through, f"behind {entry.front.sentence}"
        else:
            yield through, f"counts as open: {entry.front.sentence}, is named in front of it"


def _ways(workload: Workload, inventory: Inventory) -> Iterator[str]:
    for exposures in (ingress_exposures, gateway_exposures, service_exposures):
        yield from (way.through.title for way in exposures(workload, inventory))
    if workload.pod.get("hostNetwork") is True:
        yield "the node's network"
    for _, container in mappings(workload.pod.get("containers")):
        for _, port in mappings(mapping(container).get("ports")):
            if port.get("hostPort"):
                yield f"port {str(port['hostPort'])[:10]} of its node"
