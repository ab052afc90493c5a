"""Ways from outside the cluster to a workload's pods."""

from collections.abc import Iterator
from typing import NamedTuple

from leadline.kube.workload import Body
from leadline.model.resource import Resource
from leadline.posture.index import Filed, Index
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Workload, mapping, mappings, sequence, text

GATEWAY = "gateway.networking.k8s.io"
ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")
ROUTE_KINDS = tuple(f"{kind}.{GATEWAY}" for kind in ROUTES)
OPEN_TYPES = ("NodePort", "LoadBalancer")
MOST_WAYS = 20
"""Ways of one sort to one workload that are reported. Where every Service selects every pod, all would be their product."""

_INTERNAL: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("service.beta.kubernetes.io/aws-load-balancer-internal", ("true", "0.0.0.0/0")),
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", ("internal",)),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", ("true",)),
    ("networking.gke.io/load-balancer-type", ("internal",)),
    ("cloud.google.com/load-balancer-type", ("internal",)),
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", ("true",)),
    ("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", ("private",)),
)
"""Annotations by which clouds keep a load balancer inside the network, and the values that do so."""


class ExposurePath(NamedTuple):
    """One way in: the object that opens it, where it does so, and the Service it leads through."""

    through: Resource
    path: str
    service: Resource | None = None


def is_open(service: Resource) -> bool:
    """Whether the Service is reachable from outside by itself."""
    spec = mapping(service.body.get("spec"))
    if sequence(spec.get("externalIPs")):
        return True
    kind = spec.get("type")
    return kind == "NodePort" or (kind == "LoadBalancer" and not is_internal(service))


def is_internal(service: Resource) -> bool:
    """Whether its load balancer stays inside the network, by an annotation of the cloud."""
    annotations = mapping(mapping(service.body.get("metadata")).get("annotations"))
    return any(str(annotations.get(name, "")).lower() in values for name, values in _INTERNAL)


def service_exposures(workload: Workload, inventory: Inventory) -> Iterator[ExposurePath]:
    """Services that open the pods by themselves."""
    yield from _services_by_openness(workload, inventory)[0]


def ingress_exposures(workload: Workload, inventory: Inventory) -> Iterator[ExposurePath]:
    """Ingresses that lead to a Service of the pods."""
    yield from _through(_INGRESS_BACKENDS, workload, inventory)


def gateway_exposures(workload: Workload, inventory: Inventory) -> Iterator[ExposurePath]:
    """Gateway API routes that lead to a Service of the pods."""
    yield from _through(_ROUTE_BACKENDS, workload, inventory)


def is_exposed(workload: Workload, inventory: Inventory) -> bool:
    """Whether anything outside of the cluster reaches the pods; the verdict then rests on what leads to them."""
    for find in (service_exposures, ingress_exposures, gateway_exposures):
        for way in find(workload, inventory):
            inventory.rest_on(way.through)
            return True
    return any(port.get("hostPort") for container in workload.containers for _, port in container.ports)


def backend_services(ingress: Resource) -> Iterator[tuple[str, str]]:
    """Path and name of each Service an Ingress leads to, in the present form and in the one before 1.19."""
    spec = mapping(ingress.body.get("spec"))
    for field in ("defaultBackend", "backend"):
        yield from _named(mapping(spec.get(field)), f"spec.{field}")
    for r, rule in mappings(spec.get("rules")):
        for p, path in mappings(mapping(rule.get("http")).get("paths")):
            yield from _named(mapping(path.get("backend")), f"spec.rules[{r}].http.paths[{p}].backend")


def route_services(route: Resource) -> Iterator[tuple[str, str, str]]:
    """Path, namespace and name of each Service a Gateway API route leads to."""
    spec = mapping(route.body.get("spec"))
    for r, rule in mappings(spec.get("rules")):
        for b, backend in mappings(rule.get("backendRefs")):
            if text(backend.get("group")) == "" and backend.get("kind", "Service") == "Service":
                namespace = text(backend.get("namespace")) or route.namespace or "default"
                yield f"spec.rules[{r}].backendRefs[{b}].name", namespace, text(backend.get("name"))


Backend = tuple[tuple[str, str], tuple[Resource, str]]
"""Namespace and name of a Service, what leads to it and where that is written."""


def _services_by_openness(
    workload: Workload, inventory: Inventory
) -> tuple[list[ExposurePath], list[Resource]]:
    """The ways that Services open by themselves, and the Services that only lead on."""

    def find(workload: Workload) -> tuple[list[ExposurePath], list[Resource]]:
        ways, closed = [], []
        for service in inventory.services_of(workload):
            if is_open(service):
                kind = mapping(service.body.get("spec")).get("type")
                path = "spec.type" if kind in OPEN_TYPES else "spec.externalIPs"
                ways.append(ExposurePath(service, path, service))
            else:
                closed.append(service)
        return ways, closed

    return inventory.keep("openness", workload, find)


def _through(
    backends: Index[tuple[Resource, str]], workload: Workload, inventory: Inventory
) -> Iterator[ExposurePath]:
    for service in _services_by_openness(workload, inventory)[1]:
        keys = ((space, service.name) for space in inventory.seen_from(service).spaces(service.namespace))
        for through, path in inventory.find(backends, *keys):
            yield ExposurePath(through, path, service)


def _ingress_backends(filed: Filed) -> Iterator[Backend]:
    for path, name in backend_services(filed.resource):
        for space in filed.spaces:
            yield (space, name), (filed.resource, path)


def _route_backends(filed: Filed) -> Iterator[Backend]:
    for path, namespace, name in route_services(filed.resource):
        for space in filed.spaces_of(namespace):
            yield (space, name), (filed.resource, path)


_INGRESS_BACKENDS: Index[tuple[Resource, str]] = Index(("Ingress.networking.k8s.io",), _ingress_backends)
_ROUTE_BACKENDS: Index[tuple[Resource, str]] = Index(ROUTE_KINDS, _route_backends)


def _named(backend: Body, path: str) -> Iterator[tuple[str, str]]:
    name = text(mapping(backend.get("service")).get("name"))
    if name:
        yield f"{path}.service.name", name
    elif text(backend.get("serviceName")):
        yield f"{path}.serviceName", text(backend.get("serviceName"))
