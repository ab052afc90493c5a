"""How an attacker reaches the pods of a workload, and what stands in the way."""

from collections.abc import Iterator, Mapping, Set
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
from leadline.posture.inventory import Inventory
from leadline.posture.reach import end_of
from leadline.posture.subject import Workload, mapping, mappings, sequence, text

OPEN, BEHIND_LOGIN, ON_NODE, IN_CLUSTER, BEHIND_POLICY = 1.0, 0.5, 0.6, 0.25, 0.1
"""Reach: from the internet; behind a login; on a port of the nodes; from any pod; from pods that a policy lets in."""

_LOGIN_ANNOTATIONS = (
    "nginx.ingress.kubernetes.io/auth-url",
    "nginx.ingress.kubernetes.io/auth-signin",
    "nginx.ingress.kubernetes.io/auth-type",
    "nginx.ingress.kubernetes.io/auth-tls-secret",
    "haproxy.org/auth-type",
    "haproxy-ingress.github.io/auth-url",
    "haproxy-ingress.github.io/auth-type",
    "ingress.kubernetes.io/auth-type",
    "alb.ingress.kubernetes.io/auth-type",
    "konghq.com/plugins",
)
"""Annotations by which an ingress controller asks for a login, where they have a value."""
_MIDDLEWARES = "traefik.ingress.kubernetes.io/router.middlewares"
_LOGIN_WORDS = ("auth", "oidc", "login", "authelia", "authentik", "sso")
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
_MESH_POLICIES = (
    "AuthorizationPolicy.security.istio.io",
    "RequestAuthentication.security.istio.io",
    "AuthorizationPolicy.policy.linkerd.io",
    "ServerAuthorization.policy.linkerd.io",
)
_UPSTREAM = ("--upstream=", "--upstream-url=")


class Entry(Struct, frozen=True):
    """One way to a workload."""

    reach: float
    through: tuple[Resource, ...] = ()
    """The objects on the way, from outside to the pods."""
    login: str = ""
    """What asks for a login on the way; empty for nothing."""
    place: str = ""
    """For ways without objects: ``port 8080 of the node``; from any pod, the ports that policies leave open to all."""


def entries_of(workload: Workload, inventory: Inventory) -> list[Entry]:
    """The ways to the pods, the widest first; at least the one from inside the cluster."""
    found = [*_from_outside(workload, inventory), *_behind_proxies(workload, inventory)]
    found.append(_from_inside(workload, inventory))
    return sorted(found, key=lambda entry: -entry.reach)


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
    guard = _sidecar(workload) or _mesh_policy(workload, inventory)
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
        yield _entry((way.through, *service), guard or _login_at(way.through))
    for mesh in islice(mesh_exposures(workload, inventory), MOST_WAYS):
        if mesh.service is not None and _is_shut(mesh.service, end, let_in):
            continue
        parts = (mesh.entry, mesh.gateway, mesh.virtual_service, mesh.service)
        yield _entry(tuple(part for part in parts if part is not None), guard)
    for container in workload.containers:
        for _, port in container.ports:
            if port.get("hostPort") and not _is_closed({port.get("containerPort")}, port, let_in):
                yield Entry(ON_NODE, place=f"port {port['hostPort']} of the node")
    if workload.pod.get("hostNetwork") is True:
        yield Entry(ON_NODE, place="the network of the node")


def _is_shut(service: Resource, end: End, let_in: tuple[Opening, ...]) -> bool:
    """Whether policies let no one in at any port that the Service leads to. What is not known is not shut."""
    if let_in == EVERY_PORT:
        return False
    ports = [port for _, port in mappings(mapping(service.body.get("spec")).get("ports"))]
    return bool(ports) and all(_is_closed(_targets(port, end), port, let_in) for port in ports)


def _targets(port: Mapping[str, Any], end: End) -> Set[Any]:
    target = port.get("targetPort") or port.get("port")
    return (
        end.ports.get((target, port.get("protocol") or "TCP"), frozenset())
        if isinstance(target, str)
        else {target}
    )


def _is_closed(numbers: Set[Any], port: Mapping[str, Any], let_in: tuple[Opening, ...]) -> bool:
    protocol = port.get("protocol") or "TCP"
    return bool(numbers) and all(
        isinstance(number, int)
        and not any(one.protocol == protocol and one.first <= number <= one.last for one in let_in)
        for number in numbers
    )


def _entry(through: tuple[Resource, ...], login: str) -> Entry:
    return Entry(BEHIND_LOGIN if login else OPEN, through, login)


def _login_at(through: Resource) -> str:
    annotations: Mapping[str, Any] = mapping(mapping(through.body.get("metadata")).get("annotations"))
    for name in _LOGIN_ANNOTATIONS:
        value = str(annotations.get(name, "")).strip().lower()
        if value and value not in ("none", "false") and (name != "konghq.com/plugins" or _is_login(value)):
            return "a login of the ingress"
    middlewares = str(annotations.get(_MIDDLEWARES, "")).lower()
    return "a login of the ingress" if _is_login(middlewares) else ""


def _is_login(value: str) -> bool:
    return any(word in value for word in _LOGIN_WORDS)


def _sidecar(workload: Workload) -> str:
    """The proxy beside the program that asks for a login; none where it is all there is in the pod."""
    names = [_proxy_of(container.image) for container in workload.containers]
    return next(filter(None, names), "") if len(names) > 1 else ""


def _proxy_of(image: str) -> str:
    return _PROXIES.get(parse_image_name(image).repository.rpartition("/")[2], "")


def _mesh_policy(workload: Workload, inventory: Inventory) -> str:
    """The kind of mesh policy in the namespace of the pods that asks who is there."""
    for kind in _MESH_POLICIES:
        if inventory.holds(kind, workload.resource.namespace):
            mesh = "Istio" if "istio" in kind else "Linkerd"
            return f"{mesh}'s {kind.partition('.')[0]}"
    return ""


def _behind_proxies(workload: Workload, inventory: Inventory) -> Iterator[Entry]:
    """Ways through a proxy of its own pods that names a Service of this workload as its upstream."""
    services = {service.name: service for service in inventory.services_of(workload)}
    if not services:
        return
    for proxy in inventory.once_for_all("proxies with a login", lambda: _proxies(inventory)):
        for name in _upstreams(proxy) if proxy.resource is not workload.resource else ():
            if name in services:
                for way in _from_outside(proxy, inventory):
                    login = next(filter(None, (_proxy_of(c.image) for c in proxy.containers)), "")
                    yield Entry(BEHIND_LOGIN, (*way.through, proxy.resource, services[name]), login)


def _proxies(inventory: Inventory) -> list[Workload]:
    return [one for one in inventory.workloads if any(_proxy_of(c.image) for c in one.containers)]


def _upstreams(proxy: Workload) -> Iterator[str]:
    """Names of the Services that a proxy passes requests on to."""
    for container in proxy.containers:
        for word in (*sequence(container.body.get("args")), *sequence(container.body.get("command"))):
            for flag in _UPSTREAM:
                if text(word).startswith(flag):
                    host = text(word).removeprefix(flag).partition("://")[2].partition("/")[0]
                    yield host.partition(":")[0].partition(".")[0]
