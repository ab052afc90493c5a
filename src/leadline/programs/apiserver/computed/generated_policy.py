"""A NetworkPolicy that lets through what the containers of a workload were seen doing, from its NetworkNeighborhood."""

import ipaddress
from collections.abc import Iterable
from typing import Any

import msgspec
import orjson
from msgspec import Struct

from leadline.api.kind import PREFIX
from leadline.api.kinds.profiles import PolicyReference
from leadline.untyped import mappings

Body = dict[str, Any]
_USABLE = frozenset({"ready", "completed"})
_VOLATILE = frozenset(
    {
        *(
            f"app.kubernetes.io/{n}"
            for n in ("instance", "version", "managed-by", "created-by", "owner", "revision")
        ),
        "pod-template-hash",
        "controller-revision-hash",
        "pod-template-generation",
        "statefulset.kubernetes.io/pod-name",
        "helm.sh/chart",
        "scheduler.alpha.kubernetes.io/node-selector",
    }
)
"""Labels that change with every release: a policy that named them would soon select nothing."""
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


class KnownServer(Struct, frozen=True):
    block: ipaddress.IPv4Network | ipaddress.IPv6Network
    name: str
    server: str


def known_servers(objects: Iterable[Body]) -> list[KnownServer]:
    """Entries whose range cannot be read are left out."""
    found = []
    for whole in objects:
        for entry in mappings(whole.get("spec")):
            try:
                block = ipaddress.ip_network(str(entry.get("ipBlock")), strict=False)
            except ValueError:
                continue
            found.append(KnownServer(block, str(entry.get("name", "")), str(entry.get("server", ""))))
    return found


def generated_policy(neighborhood: Body, known: Iterable[KnownServer]) -> Body | None:
    """The body and labels of a GeneratedNetworkPolicy; ``None`` where too little is known.

    A policy refuses what it does not name, so nothing comes from a partial record, and a direction in which nothing was
    recorded stays open. What users wrote themselves is taken as they wrote it.
    """
    metadata = neighborhood["metadata"]
    labels = metadata.get("labels") or {}
    annotations = metadata.get("annotations") or {}
    is_users = PREFIX + "managed-by" in annotations and annotations[PREFIX + "managed-by"] == "User"
    kind = labels.get(f"{PREFIX}workload-kind")
    is_partial = annotations.get(f"{PREFIX}completion") == "partial"
    if not kind or not (is_users or (annotations.get(f"{PREFIX}status") in _USABLE and not is_partial)):
        return None
    labels = {name: value for name, value in labels.items() if name != f"{PREFIX}instance-template-hash"}
    spec = neighborhood.get("spec") or {}
    references: list[Body] = []
    servers = list(known)
    sides = {side: _rules(spec, side, servers, references) for side in ("ingress", "egress")}
    closed = {side: rules for side, rules in sides.items() if rules or is_users}
    if not closed:
        return None
    selector = {name: spec[name] for name in ("matchLabels", "matchExpressions") if spec.get(name)}
    policy = {
        "kind": "NetworkPolicy",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {
            "name": f"{kind}-{labels.get(f'{PREFIX}workload-name', metadata['name'])}".lower(),
            "namespace": metadata.get("namespace", ""),
            "labels": labels,
            "annotations": {"generated-by": "leadline"},
        },
        "spec": {"podSelector": selector, "policyTypes": [side.capitalize() for side in closed], **closed},
    }
    return {"metadata": {"labels": labels}, "spec": policy, "policyRef": references}


def _rules(spec: Body, side: str, known: list[KnownServer], references: list[Body]) -> list[Body]:
    """By ports where peers are addresses, so that a port is named once; selectors one by one after them."""
    peer_field = "from" if side == "ingress" else "to"
    by_selector: dict[bytes, Body] = {}
    by_ports: dict[bytes, tuple[list[Body], dict[str, Body]]] = {}
    for container in (c for name in _CONTAINERS for c in mappings(spec.get(name))):
        for neighbor in mappings(container.get(side)):
            ports = _ports(neighbor)
            selectors = _selectors(neighbor)
            if selectors:
                rule = {**({"ports": ports} if ports else {}), peer_field: [selectors]}
                by_selector[orjson.dumps(rule, option=orjson.OPT_SORT_KEYS)] = rule
                continue
            for block in _blocks(neighbor, known, references):
                for one in [[port] for port in ports] or [[]]:
                    _, peers = by_ports.setdefault(orjson.dumps(one), (one, {}))
                    peers[block] = {"ipBlock": {"cidr": block}}
    rules = []
    for ports, peers in sorted(by_ports.values(), key=lambda rule: _port_order(rule[0])):
        sorted_peers = [peers[block] for block in sorted(peers)]
        rules.append({**({"ports": ports} if ports else {}), peer_field: sorted_peers})
    return rules + [by_selector[text] for text in sorted(by_selector)]


def _port_order(ports: list[Body]) -> tuple[int, str]:
    return (int(ports[0]["port"]), str(ports[0]["protocol"])) if ports else (0, "")


def _ports(neighbor: Body) -> list[Body]:
    """Without those that have no number: port 0 lets nothing through."""
    found: dict[tuple[str, int], Body] = {}
    for port in mappings(neighbor.get("ports")):
        number = port.get("port")
        if isinstance(number, int) and 0 < number < 2**16:
            protocol = str(port.get("protocol") or "TCP").upper()
            found[protocol, number] = {"protocol": protocol, "port": number}
    return [found[key] for key in sorted(found)]


def _selectors(neighbor: Body) -> Body:
    found: Body = {}
    for name in ("podSelector", "namespaceSelector"):
        selector = neighbor.get(name)
        if isinstance(selector, dict):
            pairs = selector.get("matchLabels")
            if name == "podSelector" and isinstance(pairs, dict):
                selector = {**selector, "matchLabels": {k: v for k, v in pairs.items() if k not in _VOLATILE}}
            found[name] = selector
    return found


def _blocks(neighbor: Body, known: list[KnownServer], references: list[Body]) -> list[str]:
    """Ranges to let through: those of known servers, otherwise the addresses alone."""
    names = [neighbor.get("dns"), *_texts(neighbor.get("dnsNames"))]
    dns = next((str(name) for name in names if name), "")
    blocks: dict[str, None] = {}
    for text in dict.fromkeys([str(neighbor.get("ipAddress") or ""), *_texts(neighbor.get("ipAddresses"))]):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        around = [server for server in known if address in server.block]
        for server in around:
            _refer(references, str(server.block), text, (dns, server.name, server.server))
            blocks[str(server.block)] = None
        if not around:
            block = f"{address}/{address.max_prefixlen}"
            blocks[block] = None
            if dns:
                _refer(references, block, text, (dns, "", ""))
    return list(blocks)


def _refer(references: list[Body], block: str, address: str, names: tuple[str, str, str]) -> None:
    dns, name, server = names
    reference: Body = msgspec.to_builtins(PolicyReference(block, address, dns, name, server))
    if reference not in references:
        references.append(reference)


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
