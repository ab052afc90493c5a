"""Ways into a workload through an Istio gateway."""

from collections.abc import Iterator
from typing import NamedTuple

from leadline.model.resource import Resource
from leadline.posture.checks.exposure import is_open
from leadline.posture.index import Filed, Index
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Workload, mapping, mappings, sequence, text

NETWORKING = "networking.istio.io"
MESH_KINDS = (f"VirtualService.{NETWORKING}", f"Gateway.{NETWORKING}")


class MeshWay(NamedTuple):
    """A VirtualService that sends what comes through an open Gateway on to a Service."""

    virtual_service: Resource
    path: str
    gateway: Resource
    entry: Resource | None
    """The Service that opens the gateway's own pods; ``None`` where only its name says that it is public."""
    service: Resource


def mesh_exposures(workload: Workload, inventory: Inventory) -> Iterator[MeshWay]:
    for service in inventory.services_of(workload):
        spaces = inventory.seen_from(service).spaces(service.namespace)
        for virtual_service, path, name in inventory.find(
            _ROUTES, *((space, service.name) for space in spaces)
        ):
            here = inventory.seen_from(virtual_service)
            home, slash, short = name.rpartition("/")
            gateway = here.get(MESH_KINDS[1], home if slash else virtual_service.namespace, short)
            if gateway is not None:
                entry = _entry_of(gateway, inventory.seen_from(gateway))
                if entry is not None or gateway.name.endswith("public"):
                    yield MeshWay(virtual_service, path, gateway, entry, service)


Route = tuple[Resource, str, str]
"""A VirtualService, where it names a Service, and the gateway from which it leads there."""


def _routes(filed: Filed) -> Iterator[tuple[tuple[str, str], Route]]:
    spec = mapping(filed.resource.body.get("spec"))
    for gateway in sequence(spec.get("gateways")):
        for path, host in _hosts(spec):
            namespace, name = _service_key(host, filed.resource.namespace)
            for space in filed.spaces_of(namespace):
                yield (space, name), (filed.resource, path, text(gateway))


def _hosts(spec: dict[str, object]) -> Iterator[tuple[str, str]]:
    for protocol in ("http", "tcp", "tls"):
        for i, rule in mappings(spec.get(protocol)):
            for j, route in mappings(rule.get("route")):
                host = text(mapping(route.get("destination")).get("host"))
                if host:
                    yield f"spec.{protocol}[{i}].route[{j}].destination.host", host


def _service_key(host: str, namespace: str) -> tuple[str, str]:
    """``web``, ``web.shop`` and ``web.shop.svc.cluster.local`` name the same Service."""
    name, _, rest = host.partition(".")
    return rest.partition(".")[0] or namespace, name


def _entry_of(gateway: Resource, inventory: Inventory) -> Resource | None:
    """The Service that opens the gateway's pods: their labels are only known by both selectors."""
    pairs = mapping(mapping(gateway.body.get("spec")).get("selector"))
    keys = ((inventory.everywhere, str(key), str(value)) for key, value in pairs.items())
    return next(iter(inventory.find(_OPEN_SERVICES, *keys)), None)


def _open_services(filed: Filed) -> Iterator[tuple[tuple[str, str, str], Resource]]:
    if is_open(filed.resource):
        for key, value in mapping(mapping(filed.resource.body.get("spec")).get("selector")).items():
            yield (filed.everywhere, str(key), str(value)), filed.resource


_ROUTES: Index[Route] = Index(MESH_KINDS[:1], _routes)
_OPEN_SERVICES: Index[Resource] = Index(("Service",), _open_services)
