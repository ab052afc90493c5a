"""Ways into a workload through an Istio gateway."""

from collections.abc import Iterator
from typing import NamedTuple

from leadline.model.resource import Resource
from leadline.posture.checks.exposure import is_open
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
    services = {(s.namespace or "default", s.name): s for s in inventory.services_of(workload)}
    if services:
        for key, virtual_service, path, gateway, entry in inventory.once(
            "mesh", lambda: list(_routes(inventory))
        ):
            if key in services:
                yield MeshWay(virtual_service, path, gateway, entry, services[key])


Route = tuple[tuple[str, str], Resource, str, Resource, Resource | None]


def _routes(inventory: Inventory) -> Iterator[Route]:
    gateways = dict(_open_gateways(inventory))
    for virtual_service in inventory.of(f"VirtualService.{NETWORKING}"):
        spec = mapping(virtual_service.body.get("spec"))
        namespace = virtual_service.namespace or "default"
        for name in sequence(spec.get("gateways")):
            home, slash, short = text(name).rpartition("/")
            found = gateways.get((home if slash else namespace, short))
            if found is None:
                continue
            for path, host in _hosts(spec):
                yield _service_key(host, namespace), virtual_service, path, *found


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


def _open_gateways(
    inventory: Inventory,
) -> Iterator[tuple[tuple[str, str], tuple[Resource, Resource | None]]]:
    entries = [service for service in inventory.of("Service") if is_open(service)]
    for gateway in inventory.of(f"Gateway.{NETWORKING}"):
        pairs = mapping(mapping(gateway.body.get("spec")).get("selector"))
        entry = next((s for s in entries if _leads_to(s, pairs)), None)
        if entry is not None or gateway.name.endswith("public"):
            yield (gateway.namespace or "default", gateway.name), (gateway, entry)


def _leads_to(service: Resource, pairs: dict[str, str]) -> bool:
    """Whether a Service's pods are the gateway's: their labels are only known by both selectors."""
    wanted = mapping(mapping(service.body.get("spec")).get("selector"))
    return bool(wanted) and any(pairs.get(key) == value for key, value in wanted.items())
