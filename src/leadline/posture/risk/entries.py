"""How an attacker reaches the pods of a workload, and what is in the way."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from leadline.kube.reachability import EVERY_PORT, End, Opening, openings
from leadline.model.resource import Resource
from leadline.posture.checks.exposure import (
    MOST_WAYS,
    gateway_exposures,
    ingress_exposures,
    service_exposures,
)
from leadline.posture.checks.image_names import parse_image_name
from leadline.posture.checks.istio import mesh_exposures
from leadline.posture.index import WORKLOADS, Filed, Index
from leadline.posture.inventory import Inventory
from leadline.posture.reach import end_of
from leadline.posture.risk.fronts import TELEPORT, Front, fronts_of, is_enrolled
from leadline.posture.risk.mesh_fronts import mesh_fronts
from leadline.posture.subject import Workload, mapping, mappings, sequence, text

OPEN, BEHIND_LOGIN, ON_NODE, IN_CLUSTER, BEHIND_POLICY = 1.0, 0.5, 0.3, 0.25, 0.1
"""Reach: from the internet; behind a login; on a port of the nodes; from any pod; from pods that a policy lets in."""

_PROXIES = {
    "oauth2-proxy": "oauth2-proxy",
    "oauth2_proxy": "oauth2-proxy",
    "authelia": "Authelia",
    "authentik": "authentik",
    "pomerium": "Pomerium",
    "teleport": "Teleport",
    "teleport-distroless": "Teleport",
    "gogatekeeper": "Gatekeeper",
    "louketo-proxy": "Louketo",
    "keycloak-gatekeeper": "Gatekeeper",
    "kube-rbac-proxy": "kube-rbac-proxy",
    "vouch-proxy": "Vouch",
}
"""Images that ask for a login before they pass a request on."""
_NAMED_PORTS = 3
_UPSTREAM = ("--upstream=", "--upstream-url=")


class Entry(Struct, frozen=True):
    """One way to a workload."""

    reach: float
    through: tuple[Resource, ...] = ()
    """The objects on the way, from outside to the pods."""
    front: Front | None = None
    """What asks for a login on the way; where it was not read, the way counts as open."""
    place: str = ""
    """For ways without objects: ``port 8080 of the node``; from any pod, the ports that policies leave open to all."""


def entries_of(workload: Workload, inventory: Inventory) -> list[Entry]:
    """The ways to the pods, the widest first; at least the one from inside the cluster."""
    found = [*ways_from_outside(workload, inventory), _from_inside(workload, inventory)]
    return sorted(found, key=lambda entry: -entry.reach)


def ways_from_outside(workload: Workload, inventory: Inventory) -> list[Entry]:
    """The ways from outside of the cluster, each with what asks for a login on it."""
    return [
        *_from_outside(workload, inventory),
        *_behind_proxies(workload, inventory),
        *(
            Entry(BEHIND_LOGIN, (one,), TELEPORT)
            for one in inventory.services_of(workload)
            if is_enrolled(one)
        ),
    ]


def _from_inside(workload: Workload, inventory: Inventory) -> Entry:
    """As far as policies let: what opens a port to all opens the pods, whatever it keeps to some."""
    found = openings(inventory.policies_of(workload), end_of(workload, inventory))
    if not found:
        return Entry(BEHIND_POLICY)
    return Entry(IN_CLUSTER, place="" if found == EVERY_PORT else _ports(found))


def _ports(found: tuple[Opening, ...]) -> str:
    named = ", ".join(map(str, found[:_NAMED_PORTS]))
    more = f" and {len(found) - _NAMED_PORTS} more" if len(found) > _NAMED_PORTS else ""
    is_one = len(found) == 1 and found[0].first == found[0].last
    return f"port{'' if is_one else 's'} {named}{more}"


def _from_outside(workload: Workload, inventory: Inventory) -> Iterator[Entry]:
    guards = tuple(mesh_fronts(workload, inventory))
    end = end_of(workload, inventory)
    let_in = openings(inventory.policies_of(workload), end, to_some=True)
    for way in (
        *islice(service_exposures(workload, inventory), MOST_WAYS),
        *islice(ingress_exposures(workload, inventory), MOST_WAYS),
        *islice(gateway_exposures(workload, inventory), MOST_WAYS),
    ):
        if way.service is not None and _is_shut(way.service, end, let_in):
            continue
        service = () if way.service is None or way.service is way.through else (way.service,)
        sidecar = _sidecar(workload, way.service, end)
        yield _entry(
            (way.through, *service), (*sidecar, *guards, *fronts_of(way.through, way.service, inventory))
        )
    for mesh in islice(mesh_exposures(workload, inventory), MOST_WAYS):
        if mesh.service is not None and _is_shut(mesh.service, end, let_in):
            continue
        parts = (mesh.entry, mesh.gateway, mesh.virtual_service, mesh.service)
        through = tuple(part for part in parts if part is not None)
        yield _entry(through, (*_sidecar(workload, mesh.service, end), *guards))
    for container in workload.containers:
        for _, port in container.ports:
            if port.get("hostPort") and not _is_closed((port.get("containerPort"),), port, let_in):
                yield Entry(ON_NODE, place=f"port {port['hostPort']} of the node")
    if workload.pod.get("hostNetwork") is True:
        numbers = [port.get("containerPort") for one in workload.containers for _, port in one.ports]
        yield from (Entry(ON_NODE, place=f"port {number} of the node") for number in numbers if number)


def _is_shut(service: Resource, end: End, let_in: tuple[Opening, ...]) -> bool:
    """Whether policies let no one in at any port that the Service leads to. What is not known is not shut."""
    if let_in == EVERY_PORT:
        return False
    ports = [port for _, port in mappings(mapping(service.body.get("spec")).get("ports"))]
    return bool(ports) and all(_is_closed(_targets(port, end), port, let_in) for port in ports)


def _targets(port: Mapping[str, Any], end: End) -> Collection[Any]:
    target = port.get("targetPort") or port.get("port")
    return (
        end.ports.get((target, port.get("protocol") or "TCP"), frozenset())
        if isinstance(target, str)
        else (target,)
    )


def _is_closed(numbers: Collection[Any], port: Mapping[str, Any], let_in: tuple[Opening, ...]) -> bool:
    protocol = port.get("protocol") or "TCP"
    return bool(numbers) and all(
        isinstance(number, int)
        and not any(one.protocol == protocol and one.first <= number <= one.last for one in let_in)
        for number in numbers
    )


def _entry(through: tuple[Resource, ...], fronts: Sequence[Front]) -> Entry:
    front = next((one for one in fronts if one.is_read), next(iter(fronts), None))
    return Entry(BEHIND_LOGIN if front and front.is_read else OPEN, through, front)


def _sidecar(workload: Workload, service: Resource | None, end: End) -> Iterator[Front]:
    """The proxy beside the program that asks for a login; none where it is all there is, or the Service leads past it."""
    named = [(container, _proxy_of(container.image)) for container in workload.containers]
    proxies = [(container, name) for container, name in named if name]
    if not proxies or len(named) == 1:
        return
    past = [port.get("containerPort") for container, name in named if not name for _, port in container.ports]
    spec = mapping(service.body.get("spec")) if service is not None else {}
    targets = [number for _, port in mappings(spec.get("ports")) for number in _targets(port, end)]
    if not any(number in past for number in targets):
        yield Front(proxies[0][1])


def _proxy_of(image: str) -> str:
    return _PROXIES.get(parse_image_name(image).program, "")


def _behind_proxies(workload: Workload, inventory: Inventory) -> Iterator[Entry]:
    """Ways through a proxy of its own pods that names a Service of this workload as its upstream."""
    services = {service.name: service for service in inventory.services_of(workload)}
    if not services:
        return
    for proxy in inventory.find(_PROXY_WORKLOADS, ""):
        for name in _upstreams(proxy) if proxy.resource is not workload.resource else ():
            if name in services:
                for way in _from_outside(proxy, inventory):
                    login = next(filter(None, (_proxy_of(c.image) for c in proxy.containers)), "")
                    through = (*way.through, proxy.resource, services[name])
                    yield Entry(BEHIND_LOGIN, through, Front(login))


def _proxies(filed: Filed) -> Iterator[tuple[str, Workload]]:
    for workload in filed.workloads:
        if any(_proxy_of(container.image) for container in workload.containers):
            yield "", workload


_PROXY_WORKLOADS: Index[Workload] = Index((WORKLOADS,), _proxies)


def _upstreams(proxy: Workload) -> Iterator[str]:
    """Names of the Services that a proxy passes requests on to."""
    for container in proxy.containers:
        for word in (*sequence(container.body.get("args")), *sequence(container.body.get("command"))):
            for flag in _UPSTREAM:
                if text(word).startswith(flag):
                    host = text(word).removeprefix(flag).partition("://")[2].partition("/")[0]
                    yield host.partition(":")[0].partition(".")[0]
