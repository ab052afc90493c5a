"""What a network policy lets pods reach that hands out the rights of their node: the metadata address and the kubelet.

Clouds hand out credentials at 169.254.169.254, port 80; a kubelet takes commands at 10250 and lists pods at 10255.
A rule that lets everything out is not a topic here: the policy restricts nothing.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from leadline.kube.network_policy import policy_rules
from leadline.model.resource import Resource
from leadline.posture.subject import mapping, mappings, sequence

METADATA = "169.254.169.254"
METADATA_PORTS = (80,)
KUBELET_PORTS = (10250, 10255)
_OUTSIDE = ("world", "all")
_NODES = ("host", "remote-node", "all")
Ports = tuple[tuple[int, int], ...] | None
"""First and last of each range that a rule allows; ``None`` for every port."""


def dangerous_egress(policy: Resource) -> Iterator[str]:
    """The paths of peers and ports by which pods reach the metadata address or a kubelet, from the policy's root."""
    for rule in policy_rules(policy):
        body: Any = policy.body
        for step in rule.path.replace("[", ".").replace("]", "").split("."):
            body = sequence(body)[int(step)] if step.isdigit() else mapping(body).get(step)
        read = {"cilium.io": _cilium, "networking.k8s.io": _kubernetes, "extensions": _kubernetes}.get(
            policy.group, _calico
        )
        yield from (f"{rule.path}.egress{place}" for place in read(sequence(mapping(body).get("egress"))))


def _kubernetes(rules: Any) -> Iterator[str]:
    for r, rule in mappings(rules):
        ports = _ranges((p.get("port"), p.get("endPort")) for _, p in mappings(rule.get("ports")))
        peers = list(mappings(rule.get("to")))
        if not peers and ports is not None and _allow(ports, METADATA_PORTS):
            yield f"[{r}]"
        for t, peer in peers:
            block = mapping(peer.get("ipBlock"))
            if _reaches(block.get("cidr"), block.get("except")) and _allow(ports, METADATA_PORTS):
                yield f"[{r}].to[{t}].ipBlock"
        if not peers or any("ipBlock" in peer for _, peer in peers):
            yield from (f"[{r}].ports[{p}]" for p in _kubelet_ports(rule.get("ports")))


def _kubelet_ports(ports: Any) -> Iterator[int]:
    for p, port in mappings(ports):
        if _allow(_ranges([(port.get("port"), port.get("endPort"))]), KUBELET_PORTS):
            yield p


def _cilium(rules: Any) -> Iterator[str]:
    for r, rule in mappings(rules):
        written = [port for _, to in mappings(rule.get("toPorts")) for _, port in mappings(to.get("ports"))]
        ports = _ranges((_number(port.get("port")), port.get("endPort")) for port in written)
        to_metadata, to_kubelet = _allow(ports, METADATA_PORTS), _allow(ports, KUBELET_PORTS)
        for t, entity in enumerate(sequence(rule.get("toEntities"))):
            if (to_metadata and entity in _OUTSIDE) or (to_kubelet and entity in _NODES):
                yield f"[{r}].toEntities[{t}]"
        for t, cidr in enumerate(sequence(rule.get("toCIDR"))):
            if to_metadata and _reaches(cidr, ()):
                yield f"[{r}].toCIDR[{t}]"
        for t, block in mappings(rule.get("toCIDRSet")):
            if to_metadata and _reaches(block.get("cidr"), block.get("except")):
                yield f"[{r}].toCIDRSet[{t}]"


def _calico(rules: Any) -> Iterator[str]:
    for r, rule in mappings(rules):
        destination = mapping(rule.get("destination"))
        if rule.get("action") != "Allow":
            continue
        ports = _ranges(map(_calico_range, sequence(destination.get("ports"))))
        if _allow(ports, METADATA_PORTS):
            for n, net in enumerate(sequence(destination.get("nets"))):
                if _reaches(net, destination.get("notNets")):
                    yield f"[{r}].destination.nets[{n}]"
        if ports is not None and "selector" not in destination and _allow(ports, KUBELET_PORTS):
            yield f"[{r}].destination.ports"


def _calico_range(port: Any) -> tuple[Any, Any]:
    """A number, or ``"10250:10260"``."""
    first, _, last = str(port).partition(":")
    return _number(first), _number(last)


def _ranges(ports: Iterable[tuple[Any, Any]]) -> Ports:
    """Named ports are those of pods, never of a node; a port that is not written is every port."""
    written = list(ports)
    if not written or any(first is None for first, _ in written):
        return None
    return tuple(
        (first, last if isinstance(last, int) else first) for first, last in written if isinstance(first, int)
    )


def _allow(ports: Ports, wanted: tuple[int, ...]) -> bool:
    return ports is None or any(first <= port <= last for first, last in ports for port in wanted)


def _number(text: Any) -> Any:
    return (
        int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 6 else text
    )


def _reaches(cidr: Any, excepted: Any) -> bool:
    return _holds(cidr) and not any(map(_holds, sequence(excepted)))


def _holds(cidr: Any) -> bool:
    if not isinstance(cidr, str):
        return False
    from ipaddress import ip_address, ip_network  # few objects name networks

    try:
        return ip_address(METADATA) in ip_network(cidr, strict=False)
    except ValueError:
        return False
