"""Whether a connection gets through: what NetworkPolicies say about it, at the side it comes from and at the other.

Policies of networking.k8s.io are followed to the port. Of Cilium's and Calico's it is known which pods they isolate; what
they let through is unknown, unless it is everything.
Sources: https://kubernetes.io/docs/concepts/services-networking/network-policies/ and
https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeGuard

from msgspec import Struct

from leadline.kube.network_policy import EVERYWHERE, PolicyRule, is_builtin
from leadline.kube.selector import compile_selector
from leadline.model.resource import Resource
from leadline.untyped import items, mapping, mappings

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Way = Literal["ingress", "egress"]
Verdict = Literal["allowed", "denied", "unknown"]
PROTOCOLS = ("TCP", "UDP", "SCTP")
MAX_PORT = 65535
_PEERS: dict[Way, str] = {"ingress": "from", "egress": "to"}


class Port(NamedTuple):
    """What is connected to, at the pod itself: a Service's own port has become its target port."""

    number: int
    protocol: str = "TCP"


class End(Struct, frozen=True):
    """One end of a connection: a pod, or, without a namespace, an address that no pod has."""

    namespace: str = ""
    labels: Mapping[str, str] = {}
    are_labels_known: bool = True
    """Whether those are all of its labels."""
    namespace_labels: Mapping[str, str] = {}
    """With ``kubernetes.io/metadata.name``."""
    is_namespace_known: bool = True
    """Whether those are all of its labels."""
    name: str = ""
    """Empty for any pod of a template: two such are not taken for the same pod."""
    address: str = ""
    """Empty where it is not known."""
    is_whose_unknown: bool = False
    """Whether a pod, a Service or a node may have the address; the namespace is empty then."""
    node: str = ""
    """Empty where it is not known."""
    is_on_host_network: bool = False
    """It has its node's address then, and no policy selects it."""
    ports: Mapping[tuple[str, str], frozenset[int]] = {}
    """Numbers of its containers' ports, by name and protocol."""


class Side(Struct, frozen=True):
    """What the policies of one end say."""

    verdict: Verdict
    why: str
    """``no policy isolates the pod``, ``no rule lets it through``, …; for what a rule says, empty."""
    policies: tuple[Resource, ...] = ()
    """What isolates the end in this direction."""
    by: Resource | None = None
    """Whose rule lets it through, or would, if what is not known is as the rule wants it."""
    rule: str = ""
    """``spec.ingress[0]`` of that policy."""


class Connection(Struct, frozen=True):
    """Both sides have to let it through."""

    egress: Side
    ingress: Side

    @property
    def verdict(self) -> Verdict:
        both = (self.egress.verdict, self.ingress.verdict)
        return "denied" if "denied" in both else "unknown" if "unknown" in both else "allowed"


def connection(policies: Iterable[PolicyRule], source: End, destination: End, port: Port) -> Connection:
    """What becomes of the first packet from ``source`` to ``port`` of ``destination``; answers to it always pass."""
    rules = tuple(policies)
    selecting = (_selecting(rules, source), _selecting(rules, destination))
    return connection_between(selecting, source, destination, port)


def connection_between(
    selecting: tuple[Sequence[PolicyRule], Sequence[PolicyRule]], source: End, destination: End, port: Port
) -> Connection:
    """As ``connection``, where it is known which policies select the one end, and which the other."""
    if source.name and (source.namespace, source.name) == (destination.namespace, destination.name):
        itself = Side("allowed", "a pod always reaches itself")
        return Connection(itself, itself)
    return Connection(
        _side(selecting[0], "egress", (source, destination), port),
        _side(selecting[1], "ingress", (destination, source), port),
    )


def container_ports(containers: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], frozenset[int]]:
    """The ``ports`` of an ``End``, of the bodies of containers that run as long as their pod."""
    found: dict[tuple[str, str], frozenset[int]] = {}
    for container in containers:
        for port in mappings(container.get("ports")):
            name, number, protocol = port.get("name", ""), port.get("containerPort"), _protocol(port)
            if isinstance(name, str) and _is_port(number):
                key = (name, protocol)
                found[key] = found.get(key, frozenset()) | {number}
    return found


class Opening(NamedTuple):
    """A range of ports at which a pod is open; both ends belong to it."""

    first: int
    last: int
    protocol: str

    def __str__(self) -> str:
        numbers = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return numbers if self.protocol == "TCP" else f"{numbers}/{self.protocol}"


EVERY_PORT = tuple(Opening(1, MAX_PORT, protocol) for protocol in PROTOCOLS)


def openings(selecting: Iterable[PolicyRule], end: End, *, to_some: bool = False) -> tuple[Opening, ...]:
    """At which ports every pod of the cluster reaches ``end``, or, ``to_some``, anyone at all does.

    ``selecting`` are the policies that select it. What Cilium's and Calico's let in counts as open to some, at every port.
    """
    isolating = [policy for policy in selecting if policy.isolates_ingress]
    if not isolating or end.is_on_host_network:
        return EVERY_PORT
    found: set[Opening] = set()
    for policy in isolating:
        if policy.allows_all_ingress or (to_some and not is_builtin(policy)):
            return EVERY_PORT
        for _, rule in _rules(policy, "ingress"):
            if to_some or _is_for_every_pod(rule.get("from")):
                found.update(_openings(rule.get("ports"), end))
    return EVERY_PORT if found.issuperset(EVERY_PORT) else tuple(sorted(found))


def _is_for_every_pod(peers: Any) -> bool:
    return not peers or any(map(_is_every_pod, mappings(peers)))


def _is_every_pod(peer: Mapping[str, Any]) -> bool:
    if peer.get("ipBlock") is not None:
        return _is_everywhere(mapping(peer.get("ipBlock")))
    pods = peer.get("podSelector")
    return _selects_all(peer.get("namespaceSelector")) and (pods is None or _selects_all(pods))


def _selects_all(selector: Any) -> bool:
    return isinstance(selector, dict) and not any(selector.values())


def _openings(ports: Any, end: End) -> Iterator[Opening]:
    if not ports:
        yield from EVERY_PORT
    for port in mappings(ports):
        number, last = port.get("port"), port.get("endPort")
        protocol = _protocol(port)
        if protocol not in PROTOCOLS:
            continue
        if number is None:
            yield Opening(1, MAX_PORT, protocol)
        elif isinstance(number, str):
            named = end.ports.get((number, protocol), frozenset())
            yield from (Opening(one, one, protocol) for one in named)
        elif _is_port(number):
            yield Opening(number, last if _is_port(last) else number, protocol)


# One side


def _side(selecting: Sequence[PolicyRule], way: Way, ends: tuple[End, End], port: Port) -> Side:
    own, other = ends
    if not own.namespace and not own.is_whose_unknown:
        return Side("allowed", "no policy is about addresses outside of the cluster")
    if own.is_on_host_network:
        return Side("allowed", "no policy is about pods on the network of their node")
    isolating = [
        one for one in selecting if (one.isolates_ingress if way == "ingress" else one.isolates_egress)
    ]
    if not isolating:
        return Side("allowed", "no policy isolates the pod")
    if own.is_whose_unknown:
        return Side("unknown", f"it is not known which pod has the address {own.address}")
    if way == "ingress" and other.is_on_host_network and own.node and own.node == other.node:
        return Side("allowed", "a node always reaches its own pods")
    named = tuple({policy.policy.id: policy.policy for policy in isolating}.values())
    perhaps: Side | None = None
    for policy in isolating:
        said = _said(policy, way, ends, port)
        if said is not None and said.verdict == "allowed":
            return Side(said.verdict, "", named, said.by, said.rule)
        if said is not None and perhaps is None:
            perhaps = Side(said.verdict, said.why, named, said.by, said.rule)
    if perhaps is not None:
        return perhaps
    if way == "ingress" and other.is_on_host_network and not (own.node and other.node):
        return Side("unknown", "a node reaches its own pods, and it is not known which is whose", named)
    return Side("denied", "no rule lets it through", named)


def _selecting(policies: Iterable[PolicyRule], end: End) -> list[PolicyRule]:
    return [
        policy
        for policy in policies
        if policy.namespace in ("", end.namespace)
        and policy.selects(end.labels)
        and (policy.selects_namespace is None or policy.selects_namespace(end.namespace_labels))
    ]


def _said(policy: PolicyRule, way: Way, ends: tuple[End, End], port: Port) -> Side | None:
    """What one policy that isolates says; ``None`` for nothing."""
    if not is_builtin(policy):
        is_open = policy.allows_all_ingress if way == "ingress" else policy.allows_all_egress
        if is_open:
            return Side("allowed", "", by=policy.policy, rule=f"{policy.path}.{way}")
        why = f"which ports a {policy.policy.kind} of {policy.policy.group} lets through is not read"
        return Side("unknown", why, by=policy.policy, rule=f"{policy.path}.{way}")
    own, other = ends
    perhaps: Side | None = None
    destination = other if way == "egress" else own
    for path, rule in _rules(policy, way):
        if not _lets_port(rule.get("ports"), destination, port):
            # A Service leads to another port than its own.
            if destination.is_whose_unknown and _may_be_service(rule.get(_PEERS[way]), destination):
                why = f"it is not known whether {destination.address} is the address of a Service"
                perhaps = perhaps or Side("unknown", why, by=policy.policy, rule=path)
            continue
        said = _lets_peer(rule.get(_PEERS[way]), own.namespace, other)
        if said is True:
            return Side("allowed", "", by=policy.policy, rule=path)
        if said:
            perhaps = perhaps or Side("unknown", said, by=policy.policy, rule=path)
    return perhaps


def _rules(policy: PolicyRule, way: Way) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if is_builtin(policy):
        spec = mapping(policy.policy.body.get("spec"))
        for index, rule in enumerate(items(spec.get(way))):
            if isinstance(rule, dict) or rule is None:
                yield f"spec.{way}[{index}]", rule or {}


def _lets_port(ports: Any, destination: End, port: Port) -> bool:
    if not ports:
        return True
    for one in mappings(ports):
        number, last = one.get("port"), one.get("endPort")
        if _protocol(one) != port.protocol:
            continue
        if number is None:
            return True
        if isinstance(number, str):
            if port.number in destination.ports.get((number, port.protocol), ()):
                return True
        elif _is_port(number) and number <= port.number <= (last if _is_port(last) else number):
            return True
    return False


def _lets_peer(peers: Any, namespace: str, other: End) -> bool | str:
    """Text says what has to be known of ``other``, and is not."""
    if not peers:
        return True
    answers = [_is_peer(peer, namespace, other) for peer in mappings(peers)]
    return True if True in answers else next((one for one in answers if one), False)


def _is_peer(peer: Mapping[str, Any], namespace: str, other: End) -> bool | str:
    block = peer.get("ipBlock")
    if block is not None:
        return _is_within(mapping(block), other)
    if other.is_whose_unknown:
        return f"it is not known which pod has the address {other.address}"
    if not other.namespace or other.is_on_host_network:
        return False
    pods, spaces = peer.get("podSelector"), peer.get("namespaceSelector")
    if pods is None and spaces is None:
        return False
    if spaces is None and other.namespace != namespace:
        return False
    if pods is not None and not other.are_labels_known and _asked_labels(pods) - other.labels.keys():
        return f"the labels of the pods of {other.namespace} are not known"
    if pods is not None and not compile_selector(pods)(other.labels):
        return False
    if spaces is None:
        return True
    if not other.is_namespace_known and _asked_labels(spaces) - other.namespace_labels.keys():
        return f"the labels of the namespace {other.namespace} are not known"
    return compile_selector(spaces)(other.namespace_labels)


def _asked_labels(selector: Any) -> set[str]:
    body = mapping(selector)
    return {
        *map(str, mapping(body.get("matchLabels"))),
        *(str(one.get("key")) for one in mappings(body.get("matchExpressions"))),
    }


def _may_be_service(peers: Any, other: End) -> bool:
    """Whether a rule may be about the pods behind ``other``."""
    return not peers or any(
        one.get("ipBlock") is None or _is_within(mapping(one["ipBlock"]), other) for one in mappings(peers)
    )


def _is_within(block: Mapping[str, Any], other: End) -> bool | str:
    if _is_everywhere(block) and (other.is_whose_unknown or not other.address):
        return True
    network, excepted = _network(block.get("cidr")), [_network(one) for one in items(block.get("except"))]
    if network is None or None in excepted:
        # The API server refuses it.
        return False
    address = address_of(other.address)
    if address is None:
        return "the address of the other end is not known"
    if other.is_whose_unknown and not network.is_global:
        # What a Service leads to has another address.
        return f"it is not known whether {other.address} is the address of a Service"
    return address in network and not any(one is not None and address in one for one in excepted)


def _is_everywhere(block: Mapping[str, Any]) -> bool:
    return block.get("cidr") in EVERYWHERE and not block.get("except")


def _network(text: Any) -> "IPv4Network | IPv6Network | None":
    from ipaddress import ip_network  # few policies name networks

    try:
        return ip_network(text, strict=False) if isinstance(text, str) and "/" in text else None
    except ValueError:
        return None


def address_of(text: str) -> "IPv4Address | IPv6Address | None":
    """``None`` where ``text`` is not an address."""
    from ipaddress import ip_address  # few policies name networks

    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _protocol(port: Mapping[str, Any]) -> str:
    return str(port.get("protocol") or "TCP")


def _is_port(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_PORT
