"""What the addresses of a cluster are: pods, and the Services that lead to them, out of objects."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from leadline.kube.reachability import End
from leadline.kube.selector import compile_selector
from leadline.model.resource import Resource
from leadline.posture.inventory import Facts, Inventory
from leadline.posture.reach import end_of
from leadline.posture.subject import mapping, mappings, sequence, text
from leadline.runtime.rehearsal.network import Services

_KINDS = ("Pod", "Service", "EndpointSlice", "Namespace")
_SERVICE = "kubernetes.io/service-name"


def services_of(resources: Sequence[Resource]) -> Services:
    """Of a cluster as it was read: pods that ended since are not in it."""
    # Pods and Services of a cluster are one world, whichever files they are in; a later Pod of the same name has its address.
    last = {(one.kind, one.namespace, one.name): one for one in resources if one.kind in _KINDS}
    inventory = Inventory(last.values(), Facts())
    pods: dict[str, End] = {}
    behind: dict[tuple[str, int, str], tuple[tuple[End, int], ...]] = {}
    addresses: set[str] = set()
    nodes: dict[str, End] = {}
    for workload in inventory.workloads:
        end = end_of(workload, inventory)
        status = mapping(workload.resource.body.get("status"))
        every = {end.address, *(text(one.get("ip")) for _, one in mappings(status.get("podIPs")))} - {""}
        hosts = {
            text(status.get("hostIP")),
            *(text(one.get("ip")) for _, one in mappings(status.get("hostIPs"))),
        }
        nodes |= {one: End(address=one, is_on_host_network=True) for one in hosts - {""}}
        if text(status.get("phase")) not in ("Succeeded", "Failed"):
            pods |= {address: replace(end, address=address) for address in every}
    for service in inventory.of("Service"):
        found = _addresses(service)
        addresses |= found
        for port, protocol, ends in _ports(service, inventory, pods):
            behind |= {(address, port, protocol): ends for address in found if ends}
    return Services({**nodes, **pods}, behind, frozenset(addresses))


def _addresses(service: Resource) -> set[str]:
    """Those that lead to its pods within the cluster: a load balancer's too, unless it is a proxy."""
    spec, status = mapping(service.body.get("spec")), mapping(service.body.get("status"))
    balanced = mappings(mapping(status.get("loadBalancer")).get("ingress"))
    every = [spec.get("clusterIP"), *sequence(spec.get("clusterIPs")), *sequence(spec.get("externalIPs"))]
    every += [one.get("ip") for _, one in balanced if one.get("ipMode") != "Proxy"]
    return {one for one in every if isinstance(one, str)} - {"", "None"}


def _ports(
    service: Resource, inventory: Inventory, pods: dict[str, End]
) -> Iterator[tuple[int, str, tuple[tuple[End, int], ...]]]:
    spec = mapping(service.body.get("spec"))
    namespace = service.namespace or "default"
    for _, port in mappings(spec.get("ports")):
        number, protocol = port.get("port"), text(port.get("protocol")) or "TCP"
        if not isinstance(number, int):
            continue
        selector = mapping(spec.get("selector"))
        if selector:
            selects = compile_selector({"matchLabels": selector})
            ends = tuple(
                (end, target)
                for end in pods.values()
                if end.namespace == namespace and selects(end.labels)
                for target in _targets(port, number, protocol, end)
            )
        else:
            ends = tuple(_of_slices(service, inventory, pods, text(port.get("name")), protocol))
        yield number, protocol, ends


def _targets(port: dict[str, Any], number: int, protocol: str, end: End) -> Iterable[int]:
    target = port.get("targetPort") or number
    return (target,) if isinstance(target, int) else end.ports.get((text(target), protocol), ())


def _of_slices(
    service: Resource, inventory: Inventory, pods: dict[str, End], name: str, protocol: str
) -> Iterator[tuple[End, int]]:
    for one in inventory.of("EndpointSlice"):
        labels = mapping(mapping(one.body.get("metadata")).get("labels"))
        if labels.get(_SERVICE) != service.name or one.namespace != service.namespace:
            continue
        numbers = [
            port["port"]
            for _, port in mappings(one.body.get("ports"))
            if isinstance(port.get("port"), int)
            and (text(port.get("name")), text(port.get("protocol")) or "TCP") == (name, protocol)
        ]
        for _, endpoint in mappings(one.body.get("endpoints")):
            for address in sequence(endpoint.get("addresses")):
                end = pods.get(text(address)) or End(address=text(address))
                yield from ((end, number) for number in numbers)
