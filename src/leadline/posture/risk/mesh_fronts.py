"""What the policies of a mesh ask of those who reach pods.

Sources: https://istio.io/latest/docs/reference/config/security/authorization-policy/ (a RequestAuthentication alone lets
requests without a token through), https://linkerd.io/2/reference/authorization-policy/.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from leadline.kube.selector import compile_selector
from leadline.model.resource import Resource
from leadline.posture.inventory import Inventory
from leadline.posture.risk.fronts import Front, product_of
from leadline.posture.subject import Workload, mapping, mappings, sequence, text

_ISTIO = "AuthorizationPolicy.security.istio.io"
_LINKERD = "policy.linkerd.io"
_ROOT = "istio-system"
_IDENTITY = ("principals", "requestPrincipals", "namespaces", "serviceAccounts")
_IN_MESH = (
    ("istio-injection", ("enabled",)),
    ("istio.io/rev", ()),
    ("istio.io/dataplane-mode", ("ambient",)),
    ("sidecar.istio.io/inject", ("true",)),
    ("linkerd.io/inject", ("enabled", "ingress")),
)
"""Labels and annotations of pods and namespaces by which a mesh takes pods in; no values: any."""
_PROXIES = ("istio-proxy", "linkerd-proxy")


def mesh_fronts(workload: Workload, inventory: Inventory) -> Iterator[Front]:
    """At most one for each mesh; unread where it is not known that the pods are in the mesh at all."""
    is_in = _is_in_mesh(workload, inventory)
    for name in (_istio(workload, inventory), _linkerd(workload, inventory)):
        if name:
            yield Front(name, is_read=is_in)


def _is_in_mesh(workload: Workload, inventory: Inventory) -> bool:
    if any(container.name in _PROXIES for container in workload.containers):
        return True
    namespace = inventory.get("Namespace", "", workload.namespace)
    places: list[Mapping[str, Any]] = [
        workload.labels,
        mapping(mapping(workload.template.get("metadata")).get("annotations")),
    ]
    if namespace is not None:
        metadata = mapping(namespace.body.get("metadata"))
        places += [mapping(metadata.get("labels")), mapping(metadata.get("annotations"))]
    return any(
        key in place and (not values or str(place[key]).lower() in values)
        for place in places
        for key, values in _IN_MESH
    )


def _istio(workload: Workload, inventory: Inventory) -> str:
    """The policy by which nothing without an identity passes; empty where something may."""
    allows: list[Resource] = []
    for policy in inventory.of(_ISTIO):
        spec = mapping(policy.body.get("spec"))
        if not _selects(policy, spec, workload):
            continue
        rules = [rule for _, rule in mappings(spec.get("rules"))]
        action = text(spec.get("action")) or "ALLOW"
        if action == "CUSTOM" and any(not rule for rule in rules):
            provider = text(mapping(spec.get("provider")).get("name"))
            return product_of(provider, f"Istio's external authorization {provider}")
        if action == "DENY" and any(map(_denies_unknown, rules)):
            return f"Istio's AuthorizationPolicy {policy.name}"
        if action == "ALLOW":
            allows.append(policy)
    # What any of them allows is allowed; without rules one allows nothing.
    rules = [rule for one in allows for _, rule in mappings(mapping(one.body.get("spec")).get("rules"))]
    return (
        f"Istio's AuthorizationPolicy {allows[0].name}" if allows and all(map(_asks_identity, rules)) else ""
    )


def _selects(policy: Resource, spec: Mapping[str, Any], workload: Workload) -> bool:
    if (
        (policy.namespace or "default") not in (workload.namespace, _ROOT)
        or spec.get("targetRefs")
        or spec.get("targetRef")
    ):
        return False
    return compile_selector(spec.get("selector") or {})(workload.labels)


def _asks_identity(rule: Mapping[str, Any]) -> bool:
    sources = [mapping(one.get("source")) for _, one in mappings(rule.get("from"))]
    return bool(sources) and all(any(sequence(one.get(key)) for key in _IDENTITY) for one in sources)


def _denies_unknown(rule: Mapping[str, Any]) -> bool:
    sources = [mapping(one.get("source")) for _, one in mappings(rule.get("from"))]
    return (
        not rule.get("to")
        and not rule.get("when")
        and any(
            list(one) in (["notRequestPrincipals"], ["notPrincipals"])
            and "*" in sequence(next(iter(one.values())))
            for one in sources
        )
    )


def _linkerd(workload: Workload, inventory: Inventory) -> str:
    """The Servers of the pods' ports, where each is opened to known clients alone; empty where something is open."""
    servers = [
        one
        for one in inventory.of(f"Server.{_LINKERD}")
        if (one.namespace or "default") == workload.namespace
        and compile_selector(mapping(one.body.get("spec")).get("podSelector"))(workload.labels)
    ]
    ports = [
        (port.get("containerPort"), port.get("name")) for one in workload.containers for _, port in one.ports
    ]
    covered = [mapping(one.body.get("spec")).get("port") for one in servers]
    if not servers or not ports or not all(number in covered or name in covered for number, name in ports):
        return ""
    if any(_is_open(server, workload.namespace, inventory) for server in servers):
        return ""
    return f"Linkerd's Server {servers[0].name}"


def _is_open(server: Resource, namespace: str, inventory: Inventory) -> bool:
    spec = mapping(server.body.get("spec"))
    if text(spec.get("accessPolicy")) in ("all-unauthenticated", "cluster-unauthenticated", "audit"):
        return True
    for one in inventory.of(f"ServerAuthorization.{_LINKERD}"):
        chosen = mapping(mapping(one.body.get("spec")).get("server"))
        labels = mapping(mapping(server.body.get("metadata")).get("labels"))
        is_for = chosen.get("name") == server.name or compile_selector(chosen.get("selector"))(labels)
        client = mapping(mapping(one.body.get("spec")).get("client"))
        if (one.namespace or "default") == namespace and is_for and not client.get("meshTLS"):
            return True
    for one in inventory.of(f"AuthorizationPolicy.{_LINKERD}"):
        target = mapping(mapping(one.body.get("spec")).get("targetRef"))
        is_for = (target.get("kind"), target.get("name")) in (
            ("Server", server.name),
            ("Namespace", namespace),
        )
        kinds = [
            reference.get("kind")
            for _, reference in mappings(mapping(one.body.get("spec")).get("requiredAuthenticationRefs"))
        ]
        if (
            (one.namespace or "default") == namespace
            and is_for
            and not {"MeshTLSAuthentication", "ServiceAccount"} & set(kinds)
        ):
            return True
    return False
