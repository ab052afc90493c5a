"""Which pods a network policy selects, and what it still lets through.

Three dialects are read: networking.k8s.io NetworkPolicy, Cilium's and Calico's. An AuthorizationPolicy of Istio is
none: a proxy enforces it, in pods of the mesh only, and a compromised pod goes around its own proxy.
Sources: https://kubernetes.io/docs/concepts/services-networking/network-policies/,
https://docs.cilium.io/en/stable/security/policy/, https://docs.tigera.io/calico/latest/reference/resources/.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from leadline.kube.calico_selector import compile_calico
from leadline.kube.selector import Selector, compile_selector
from leadline.model.resource import Resource
from leadline.untyped import items, mapping

Labels = Mapping[str, str]
Body = dict[str, Any]
EVERYWHERE = ("0.0.0.0/0", "::/0")
_BUILTIN_GROUPS = ("networking.k8s.io", "extensions")


class PolicyRule(NamedTuple):
    """One policy, or one spec of a policy that holds several."""

    policy: Resource
    path: str
    """From the policy's root to the spec: ``spec`` or ``specs[1]``."""
    namespace: str
    """Where it holds; empty for every namespace."""
    selects: Selector
    """A test for the labels of a pod."""
    pairs: Mapping[str, Any]
    """Labels that a pod has to carry to be selected; empty where the selector has no plain map of them."""
    selects_namespace: Selector | None
    """A test for the labels of the pod's namespace; ``None`` where it does not ask."""
    selects_all: bool
    """Whether it selects every pod of where it holds."""
    isolates_ingress: bool
    """Whether connections to the pods are refused but for what it allows."""
    isolates_egress: bool
    allows_all_ingress: bool
    """Whether one of its rules lets everything in, so that it isolates in name alone."""
    allows_all_egress: bool

    @property
    def restricts_ingress(self) -> bool:
        return self.isolates_ingress and not self.allows_all_ingress

    @property
    def restricts_egress(self) -> bool:
        return self.isolates_egress and not self.allows_all_egress


def policy_rules(resource: Resource) -> Iterator[PolicyRule]:
    """The rules of ``resource``; none for another kind."""
    read = _DIALECTS.get((resource.kind, resource.group))
    if read is not None:
        yield from read(resource)


def is_builtin(rule: PolicyRule) -> bool:
    """Whether it is of Kubernetes' own API, and not Cilium's or Calico's."""
    return rule.policy.group in _BUILTIN_GROUPS


def _kubernetes(policy: Resource) -> Iterator[PolicyRule]:
    spec = mapping(policy.body.get("spec"))
    selector = spec.get("podSelector")
    selector = {} if selector is None else selector
    types = spec.get("policyTypes")
    if isinstance(types, list) and types:
        ingress, egress = "Ingress" in types, "Egress" in types
    else:
        ingress, egress = True, bool(spec.get("egress"))
    yield PolicyRule(
        policy,
        "spec",
        policy.namespace or "default",
        compile_selector(selector),
        _pairs(selector),
        None,
        not selector,
        ingress,
        egress,
        _opens(spec.get("ingress"), "from"),
        _opens(spec.get("egress"), "to"),
    )


def _opens(rules: Any, peers: str) -> bool:
    """Whether a rule names neither peers nor ports, or a peer that is everyone."""
    return any(
        not rule.get("ports")
        and (not rule.get(peers) or any(map(_is_universal_peer, items(rule.get(peers)))))
        for rule in _mappings(rules)
    )


def _cilium(policy: Resource) -> Iterator[PolicyRule]:
    namespace = (policy.namespace or "default") if policy.kind == "CiliumNetworkPolicy" else ""
    for path, spec in _cilium_specs(policy.body):
        selector = spec.get("endpointSelector")
        if not isinstance(selector, dict):
            continue
        plain = _without_sources(selector)
        of_pods, of_namespaces = _parted(plain, is_wanted=False), _parted(plain, is_wanted=True)
        yield PolicyRule(
            policy,
            path,
            namespace,
            compile_selector(of_pods),
            _pairs(of_pods),
            compile_selector(of_namespaces) if of_namespaces else None,
            not of_pods,
            _cilium_isolates(spec, "ingress"),
            _cilium_isolates(spec, "egress"),
            _cilium_opens(spec.get("ingress"), "from"),
            _cilium_opens(spec.get("egress"), "to"),
        )


def _cilium_isolates(spec: Body, way: str) -> bool:
    """What ``enableDefaultDeny`` says; where it is silent, a way with any rule, be it empty, is closed."""
    said = mapping(spec.get("enableDefaultDeny")).get(way)
    return said if isinstance(said, bool) else bool(spec.get(way) or spec.get(f"{way}Deny"))


def _cilium_opens(rules: Any, way: str) -> bool:
    """Whether a rule names everyone and no ports. One without peers allows none: ``- {}`` is a default deny."""
    return any(
        _is_cilium_universal(peer)
        for rule in _mappings(rules)
        if not (rule.get("toPorts") or rule.get("icmps"))
        for key, peers in rule.items()
        if key.startswith(way) and isinstance(peers, list)
        for peer in peers
    )


def _cilium_specs(body: Body) -> Iterator[tuple[str, Body]]:
    if isinstance(body.get("spec"), dict):
        yield "spec", body["spec"]
    specs = body.get("specs")
    for index, spec in enumerate(specs if isinstance(specs, list) else ()):
        if isinstance(spec, dict):
            yield f"specs[{index}]", spec


def _without_sources(selector: Body) -> Body:
    """Cilium writes ``k8s:app`` or ``any:app`` for the label ``app``."""

    def plain(key: str) -> str:
        return key.removeprefix("k8s:").removeprefix("any:")

    labels = selector.get("matchLabels")
    expressions = selector.get("matchExpressions")
    result: Body = {}
    if isinstance(labels, dict):
        result["matchLabels"] = {plain(str(k)): v for k, v in labels.items()}
    if isinstance(expressions, list):
        result["matchExpressions"] = [
            {**e, "key": plain(str(e.get("key", "")))} for e in expressions if isinstance(e, dict)
        ]
    return result


_CILIUM_NAMESPACE = "io.kubernetes.pod.namespace"
_CILIUM_NAMESPACE_LABEL = "io.cilium.k8s.namespace.labels."
_NAMESPACE_NAME = "kubernetes.io/metadata.name"


def _parted(selector: Body, *, is_wanted: bool) -> Body:
    """What ``selector`` asks of the pod's namespace, in that one's own labels, or all the rest; empty where nothing.

    Cilium gives every endpoint its namespace's name and labels as labels of its own
    (https://docs.cilium.io/en/stable/network/kubernetes/policy/#namespaces).
    """
    labels = {
        name: value
        for key, value in mapping(selector.get("matchLabels")).items()
        if (name := _part(str(key), is_wanted)) is not None
    }
    expressions = [
        {**expression, "key": name}
        for expression in items(selector.get("matchExpressions"))
        if (name := _part(expression["key"], is_wanted)) is not None
    ]
    parts: Body = {"matchLabels": labels, "matchExpressions": expressions}
    return {field: part for field, part in parts.items() if part}


def _part(key: str, is_of_namespace: bool) -> str | None:
    if key == _CILIUM_NAMESPACE:
        name = _NAMESPACE_NAME
    elif key.startswith(_CILIUM_NAMESPACE_LABEL):
        name = key.removeprefix(_CILIUM_NAMESPACE_LABEL)
    else:
        return None if is_of_namespace else key
    return name if is_of_namespace else None


def _calico(policy: Resource) -> Iterator[PolicyRule]:
    spec = mapping(policy.body.get("spec"))
    selector = spec.get("selector")
    namespace_selector = spec.get("namespaceSelector")
    types = spec.get("types")
    if isinstance(types, list) and types:
        ingress, egress = "Ingress" in types, "Egress" in types
    else:
        egress = "egress" in spec
        ingress = "ingress" in spec or not egress
    yield PolicyRule(
        policy,
        "spec",
        (policy.namespace or "default") if policy.kind == "NetworkPolicy" else "",
        compile_calico(selector if isinstance(selector, str) else ""),
        {},
        _calico_namespaces(namespace_selector)
        if isinstance(namespace_selector, str) and namespace_selector
        else None,
        selector in (None, "", "all()"),
        ingress,
        egress,
        _calico_allows_all(spec.get("ingress"), "source"),
        _calico_allows_all(spec.get("egress"), "destination"),
    )


def _calico_namespaces(selector: str) -> Selector:
    """Calico gives every namespace its name as the label ``projectcalico.org/name``."""
    selects = compile_calico(selector)
    return lambda labels: selects({"projectcalico.org/name": labels.get(_NAMESPACE_NAME, ""), **labels})


def _calico_allows_all(rules: Any, peer: str) -> bool:
    return any(
        rule.get("action") == "Allow"
        and rule.keys() <= {"action", peer}
        and _is_calico_universal(rule.get(peer))
        for rule in _mappings(rules)
    )


def _is_calico_universal(peer: Any) -> bool:
    if not isinstance(peer, dict) or peer.keys() - {"nets"}:
        return not peer
    nets = peer.get("nets")
    return not nets or any(net in EVERYWHERE for net in items(nets))


def _is_universal_peer(peer: Any) -> bool:
    block = mapping(mapping(peer).get("ipBlock"))
    return block.get("cidr") in EVERYWHERE and not block.get("except")


def _is_cilium_universal(peer: Any) -> bool:
    """An entity, a CIDR, or an item of ``fromCIDRSet``."""
    if isinstance(peer, dict) and not peer.get("except"):
        peer = peer.get("cidr")
    return peer in ("all", *EVERYWHERE)


def _mappings(value: Any) -> Iterator[Body]:
    """The mappings of a list; a null represents an empty one, as the API server takes it."""
    return ({} if item is None else item for item in items(value) if isinstance(item, dict | None))


def _pairs(selector: Any) -> Body:
    return mapping(mapping(selector).get("matchLabels"))


_DIALECTS: dict[tuple[str, str], Callable[[Resource], Iterator[PolicyRule]]] = {
    ("NetworkPolicy", "networking.k8s.io"): _kubernetes,
    ("NetworkPolicy", "extensions"): _kubernetes,
    ("CiliumNetworkPolicy", "cilium.io"): _cilium,
    ("CiliumClusterwideNetworkPolicy", "cilium.io"): _cilium,
    ("NetworkPolicy", "crd.projectcalico.org"): _calico,
    ("GlobalNetworkPolicy", "crd.projectcalico.org"): _calico,
    ("NetworkPolicy", "projectcalico.org"): _calico,
    ("GlobalNetworkPolicy", "projectcalico.org"): _calico,
}
POLICY_KINDS: tuple[str, ...] = (
    "NetworkPolicy.networking.k8s.io",
    "CiliumNetworkPolicy.cilium.io",
    "CiliumClusterwideNetworkPolicy.cilium.io",
    "NetworkPolicy.crd.projectcalico.org",
    "GlobalNetworkPolicy.crd.projectcalico.org",
    "NetworkPolicy.projectcalico.org",
    "GlobalNetworkPolicy.projectcalico.org",
)
"""Every kind that is read, as ``Kind.group``."""
