"""Which pods a network policy selects, and what it still lets through.

Four dialects are read: networking.k8s.io NetworkPolicy, Cilium's, Calico's and Istio's
AuthorizationPolicy (which guards pods of the mesh).
Sources: https://kubernetes.io/docs/concepts/services-networking/network-policies/,
https://docs.cilium.io/en/stable/security/policy/, https://docs.tigera.io/calico/latest/reference/resources/.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from leadline.kube.calico_selector import compile_calico
from leadline.kube.selector import Selector, compile_selector
from leadline.model.resource import Resource

Labels = Mapping[str, str]
Body = dict[str, Any]


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
    """The rules of ``resource``; none where it is no network policy."""
    read = _DIALECTS.get((resource.kind, resource.group))
    if read is not None:
        yield from read(resource)


def _kubernetes(policy: Resource) -> Iterator[PolicyRule]:
    spec = _mapping(policy.body.get("spec"))
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
        _has_open_rule(spec.get("ingress"), "from", _is_universal_peer),
        _has_open_rule(spec.get("egress"), "to", _is_universal_peer),
    )


def _cilium(policy: Resource) -> Iterator[PolicyRule]:
    namespace = (policy.namespace or "default") if policy.kind == "CiliumNetworkPolicy" else ""
    for path, spec in _cilium_specs(policy.body):
        selector = spec.get("endpointSelector")
        if not isinstance(selector, dict):
            continue
        default_deny = _mapping(spec.get("enableDefaultDeny"))
        has_in = "ingress" in spec or "ingressDeny" in spec
        has_out = "egress" in spec or "egressDeny" in spec
        yield PolicyRule(
            policy,
            path,
            namespace,
            compile_selector(plain := _without_sources(selector)),
            _pairs(plain),
            None,
            not selector,
            default_deny.get("ingress") is not False and has_in,
            default_deny.get("egress") is not False and has_out,
            _has_open_rule(spec.get("ingress"), "from", _is_cilium_universal),
            _has_open_rule(spec.get("egress"), "to", _is_cilium_universal),
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


def _calico(policy: Resource) -> Iterator[PolicyRule]:
    spec = _mapping(policy.body.get("spec"))
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
        compile_calico(namespace_selector)
        if isinstance(namespace_selector, str) and namespace_selector
        else None,
        selector in (None, "", "all()"),
        ingress,
        egress,
        _calico_allows_all(spec.get("ingress"), "source"),
        _calico_allows_all(spec.get("egress"), "destination"),
    )


def _calico_allows_all(rules: Any, peer: str) -> bool:
    return any(
        isinstance(rule, dict)
        and rule.get("action") == "Allow"
        and set(rule) <= {"action", peer}
        and not rule.get(peer)
        for rule in (rules if isinstance(rules, list) else ())
    )


def _istio(policy: Resource) -> Iterator[PolicyRule]:
    spec = _mapping(policy.body.get("spec"))
    selector = _mapping(spec.get("selector"))
    action = spec.get("action", "ALLOW")
    rules = spec.get("rules")
    opens = isinstance(rules, list) and any(rule == {} or rule is None for rule in rules)
    yield PolicyRule(
        policy,
        "spec",
        "" if policy.namespace == "istio-system" and not selector else policy.namespace or "default",
        compile_selector(selector),
        _pairs(selector),
        None,
        not selector.get("matchLabels"),
        action in ("ALLOW", "DENY"),
        False,
        action == "ALLOW" and opens,
        False,
    )


def _has_open_rule(rules: Any, peer: str, is_universal: Callable[[Any], bool]) -> bool:
    """Whether a rule names neither peers nor ports, or a peer that is everyone."""
    for rule in rules if isinstance(rules, list) else ():
        if not isinstance(rule, dict):
            continue
        if not rule:
            return True
        if rule.get("ports") or rule.get("toPorts"):
            continue
        peers = [value for key, value in rule.items() if key.startswith(peer)]
        if all(not value for value in peers) and not any(
            isinstance(v, list) and peer.startswith("to") for v in peers
        ):
            return peer in ("from", "to") and set(rule) <= {peer, "ports"}
        if any(is_universal(item) for value in peers if isinstance(value, list) for item in value):
            return True
    return False


def _is_universal_peer(peer: Any) -> bool:
    block = _mapping(_mapping(peer).get("ipBlock"))
    return block.get("cidr") in ("0.0.0.0/0", "::/0") and not block.get("except")


def _is_cilium_universal(peer: Any) -> bool:
    return peer in ("all", "0.0.0.0/0", "::/0")


def _pairs(selector: Any) -> Body:
    return _mapping(_mapping(selector).get("matchLabels"))


def _mapping(value: Any) -> Body:
    return value if isinstance(value, dict) else {}


_DIALECTS: dict[tuple[str, str], Callable[[Resource], Iterator[PolicyRule]]] = {
    ("NetworkPolicy", "networking.k8s.io"): _kubernetes,
    ("NetworkPolicy", "extensions"): _kubernetes,
    ("CiliumNetworkPolicy", "cilium.io"): _cilium,
    ("CiliumClusterwideNetworkPolicy", "cilium.io"): _cilium,
    ("NetworkPolicy", "crd.projectcalico.org"): _calico,
    ("GlobalNetworkPolicy", "crd.projectcalico.org"): _calico,
    ("NetworkPolicy", "projectcalico.org"): _calico,
    ("GlobalNetworkPolicy", "projectcalico.org"): _calico,
    ("AuthorizationPolicy", "security.istio.io"): _istio,
}
POLICY_KINDS: tuple[str, ...] = (
    "NetworkPolicy.networking.k8s.io",
    "CiliumNetworkPolicy.cilium.io",
    "CiliumClusterwideNetworkPolicy.cilium.io",
    "NetworkPolicy.crd.projectcalico.org",
    "GlobalNetworkPolicy.crd.projectcalico.org",
    "NetworkPolicy.projectcalico.org",
    "GlobalNetworkPolicy.projectcalico.org",
    "AuthorizationPolicy.security.istio.io",
)
"""Every kind that is read, as ``Kind.group``."""
