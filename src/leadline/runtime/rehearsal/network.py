"""Recorded connections against network policies.

Policies act on pods and their own ports, a process connects to what it knows: the address of a Service, of a pod that may be gone,
or of the world. What an address was is looked up in objects of the cluster, where there are any.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network

from msgspec import Struct

from leadline.kube.network_policy import PolicyRule
from leadline.kube.reachability import Connection, End, Port, Side, connection_between
from leadline.model.profile import Peer
from leadline.model.rehearsal import Outcome, Verdict

_INNER = tuple(
    map(ip_network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
INCOMING = ("accepts", "receives")
_WORDS = {
    "connects": "connects to",
    "sends": "sends to",
    "accepts": "is connected to from",
    "receives": "receives from",
}


class Services(Struct, frozen=True):
    """What is known of the addresses of a cluster."""

    pods: Mapping[str, End] = {}
    """By address."""
    behind: Mapping[tuple[str, int, str], tuple[tuple[End, int], ...]] = {}
    """The pods of a Service with the port of each, by the Service's address, port and protocol."""
    addresses: frozenset[str] = frozenset()
    """Those of Services."""


class Network:
    """The policies that are rehearsed, and what is known of addresses."""

    def __init__(self, rules: Iterable[PolicyRule], services: Services) -> None:
        self.rules = tuple(rules)
        self._services = services

    @property
    def knows_addresses(self) -> bool:
        return bool(self._services.pods or self._services.addresses)

    def may_select(self, end: End) -> bool:
        """Whether some rule is about ``end``, or may be where its labels are not known."""
        return any(self._alternatives(end))

    def outcomes(self, own: End, peers: Iterable[Peer]) -> Iterator[Outcome]:
        """One for each recorded connection."""
        ours = self._alternatives(own)
        for peer in peers:
            if peer.direction != "listens" and not is_loopback(peer.address):
                yield self._outcome(own, ours, peer)

    def _alternatives(self, end: End) -> list[tuple[PolicyRule, ...]]:
        """The rules that select ``end``; where not all of its labels are known, these alone, and with each that may as well.

        What all of them say is true of every set of those that may: a connection passes where some rule of it lets it through.
        """
        certain: list[PolicyRule] = []
        perhaps: list[PolicyRule] = []
        for one in self.rules:
            if one.namespace not in ("", end.namespace) or not (
                one.selects_namespace is None or one.selects_namespace(end.namespace_labels)
            ):
                continue
            is_plain = end.are_labels_known or one.selects_all or bool(one.pairs)
            if is_plain and one.selects(end.labels):
                certain.append(one)
            elif not end.are_labels_known and all(
                end.labels.get(key, value) == value for key, value in one.pairs.items()
            ):
                perhaps.append(one)
        return [tuple(certain), *((*certain, one) for one in perhaps)]

    def _outcome(self, own: End, ours: Sequence[tuple[PolicyRule, ...]], peer: Peer) -> Outcome:
        is_incoming = peer.direction in INCOMING
        found = [
            self._verdict(own, ours, end, port, is_incoming=is_incoming) for end, port in self._ends(peer)
        ]
        # A Service may lead to any of its pods.
        order: tuple[Verdict, ...] = ("blocked", "unknown", "allowed")
        verdict, why, by = min(found, key=lambda one: order.index(one[0]))
        names = f" ({', '.join(peer.names[:3])})" if peer.names else ""
        address = peer.address if is_incoming else _with_port(peer.address, peer.port, peer.protocol)
        port = f" at port {peer.port}/{peer.protocol}" if is_incoming else ""
        what = f"{_WORDS.get(peer.direction, peer.direction)} {address}{names}{port}"
        return Outcome("connection", what, verdict, why, by, peer.use)

    def _verdict(
        self, own: End, ours: Sequence[tuple[PolicyRule, ...]], other: End, port: Port, *, is_incoming: bool
    ) -> tuple[Verdict, str, str]:
        """With why, and the policy that decides."""
        if other.is_whose_unknown:
            # It may be a pod that the policies of other pods select.
            known = {rule.policy.id for rules in ours for rule in rules}
            theirs = [tuple(one for one in self.rules if one.policy.id not in known)]
        else:
            theirs = self._alternatives(other)
        found: list[Connection] = []
        for one in ours:
            for another in theirs:
                pair = (another, one) if is_incoming else (one, another)
                ends = (other, own) if is_incoming else (own, other)
                found.append(connection_between(pair, *ends, port))
        verdicts = {one.verdict for one in found}
        worst = "denied" if "denied" in verdicts else "unknown" if "unknown" in verdicts else "allowed"
        deciding = next(one for one in found if one.verdict == worst)
        sides = (deciding.ingress, deciding.egress) if is_incoming else (deciding.egress, deciding.ingress)
        side = next((one for one in sides if one.verdict == worst), sides[0])
        if worst == "allowed":
            return "allowed", "", _by(side)
        if len(verdicts) > 1:
            return "unknown", "not all labels of the pods are known", _by(side)
        return "blocked" if worst == "denied" else "unknown", _why(side), _by(side)

    def _ends(self, peer: Peer) -> list[tuple[End, Port]]:
        """What is at the other end, with the port of the connection as policies see it."""
        port = Port(peer.port, peer.protocol)
        services = self._services
        behind = services.behind.get((peer.address, peer.port, peer.protocol))
        if behind and peer.direction not in INCOMING:
            return [(end, Port(number, peer.protocol)) for end, number in behind]
        pod = services.pods.get(peer.address)
        if pod is not None:
            return [(pod, port)]
        is_unknown = is_inner(peer.address)
        return [(End(address=peer.address, is_whose_unknown=is_unknown), port)]


def _why(side: Side) -> str:
    if side.verdict == "denied":
        return f"no rule of {', '.join(one.title for one in side.policies[:3])} lets it through"
    return side.why


def _by(side: Side) -> str:
    if side.by is not None:
        return f"{side.by.title} {side.rule}"
    return side.policies[0].title if side.policies else ""


def _with_port(address: str, port: int, protocol: str) -> str:
    return f"[{address}]:{port}/{protocol}" if ":" in address else f"{address}:{port}/{protocol}"


def is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def is_inner(address: str) -> bool:
    """Whether a cluster may give it to a pod, a Service or a node."""
    try:
        found = ip_address(address)
    except ValueError:
        return True
    return any(found in network for network in _INNER if network.version == found.version)
