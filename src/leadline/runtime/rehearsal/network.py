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

    def selecting(self, end: End) -> tuple[PolicyRule, ...]:
        """The rules that may be about ``end``; all of its labels are known or none are."""
        return tuple(
            one
            for one in self.rules
            if one.namespace in ("", end.namespace)
            and (not end.are_labels_known or one.selects(end.labels))
            and (one.selects_namespace is None or one.selects_namespace(end.namespace_labels))
        )

    def outcomes(self, own: End, peers: Iterable[Peer]) -> Iterator[Outcome]:
        """One for each recorded connection that a rule about ``own`` has a say in."""
        ours = self.selecting(own)
        for peer in peers:
            if peer.direction == "listens" or is_loopback(peer.address):
                continue
            yield self._outcome(own, ours, peer)

    def _outcome(self, own: End, ours: Sequence[PolicyRule], peer: Peer) -> Outcome:
        is_incoming = peer.direction in INCOMING
        found = [self._connection(own, ours, one, port, is_incoming) for one, port in self._ends(peer)]
        verdicts = {one.verdict for one in found}
        # A Service may lead to any of its pods.
        worst = "denied" if "denied" in verdicts else "unknown" if "unknown" in verdicts else "allowed"
        deciding = next(one for one in found if one.verdict == worst)
        sides = (deciding.ingress, deciding.egress) if is_incoming else (deciding.egress, deciding.ingress)
        side = next((one for one in sides if one.verdict == worst), sides[0])
        names = f" ({', '.join(peer.names[:3])})" if peer.names else ""
        port = f"port {peer.port}/{peer.protocol}" if is_incoming else ""
        address = _with_port(peer.address, peer.port, peer.protocol) if not is_incoming else peer.address
        what = " ".join(
            filter(None, (_WORDS.get(peer.direction, peer.direction), address + names, port and f"at {port}"))
        )
        verdict: Verdict = "blocked" if worst == "denied" else "unknown" if worst == "unknown" else "allowed"
        if (
            verdict == "blocked"
            and not own.are_labels_known
            and not all(one.selects_all for one in _isolating(ours, side))
        ):
            return Outcome(
                "connection", what, "unknown", "the labels of the pod are not known", _by(side), peer.use
            )
        return Outcome(
            "connection", what, verdict, "" if verdict == "allowed" else _why(side), _by(side), peer.use
        )

    def _connection(
        self, own: End, ours: Sequence[PolicyRule], other: End, port: Port, is_incoming: bool
    ) -> Connection:
        theirs = (
            tuple(one for one in self.rules if one not in ours)
            if other.is_whose_unknown
            else self.selecting(other)
        )
        if is_incoming:
            return connection_between((theirs, ours), other, own, port)
        return connection_between((ours, theirs), own, other, port)

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


def _isolating(rules: Sequence[PolicyRule], side: Side) -> list[PolicyRule]:
    ids = {one.id for one in side.policies}
    return [one for one in rules if one.policy.id in ids]


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
