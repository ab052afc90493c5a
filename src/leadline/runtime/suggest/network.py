"""A NetworkPolicy that allows the recorded connections: in the directions that were learned, where it is known whose each address was."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from leadline.kube.reachability import End
from leadline.model.profile import Peer, Profile
from leadline.runtime.rehearsal.network import INCOMING, Services, is_inner, is_loopback

_NAME = "kubernetes.io/metadata.name"
_OF_REVISION = ("pod-template-hash", "controller-revision-hash", "pod-template-generation", "job-name", "controller-uid",
                "batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid", "statefulset.kubernetes.io/pod-name",
                "apps.kubernetes.io/pod-index")  # fmt: skip
"""Labels that controllers write and that change with each revision or pod."""
_OF_RELEASE = (
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/created-by",
    "helm.sh/chart",
)
"""Labels that change with the next version, or with the tool that installs it: a policy that asks for them selects nothing then."""
_DNS = 53
Json = dict[str, Any]


class LearnedPolicy(Struct, frozen=True):
    body: Json
    """Empty where no direction can be closed."""
    because: tuple[str, ...]
    left: tuple[str, ...]
    """Why a direction stays open."""


def policy_for(own: End, name: str, profiles: Sequence[Profile], services: Services) -> LearnedPolicy:
    """``own``: any pod of the workload. Sorted, so that the same record gives the same policy.

    ``profiles`` are all of its containers', complete ones among those of each: a way that none of them went is closed.
    """
    spec: Json = {"podSelector": {"matchLabels": stable_labels(own.labels)}, "policyTypes": []}
    because, left = [], []
    if not spec["podSelector"]["matchLabels"]:
        return LearnedPolicy({}, (), ("the pods have no labels to be selected by",))
    peers = [
        peer
        for one in profiles
        for peer in one.peers
        if peer.direction != "listens" and not is_loopback(peer.address)
    ]
    for type, key, side in (("Ingress", "ingress", "from"), ("Egress", "egress", "to")):
        of_way = [peer for peer in peers if (peer.direction in INCOMING) == (type == "Ingress")]
        if not of_way and type == "Ingress" and (heard := _listening(profiles)):
            left.append(f"{key} stays open: it listens at {heard}, and no connection was recorded")
            continue
        if not of_way:
            spec["policyTypes"].append(type)
            spec[key] = []
            because.append(f"{key}: no connection was recorded, so none is let through")
            continue
        rules: dict[str, tuple[Json, set[tuple[int, str]]]] = {}
        unknown = ""
        for peer in of_way:
            found = list(ends_of(peer, services))
            if not found:
                unknown = f"{key} stays open: it is not known whose the address {peer.address} is"
                break
            for end, port in found:
                selected = _selected(end, own.namespace)
                if selected is None:
                    unknown = f"{key} stays open: {peer.address} is on the network of a node, of which any may be the next"
                    break
                ports = {(port, peer.protocol)} | (
                    {(port, "TCP"), (port, "UDP")} if peer.port == _DNS else set()
                )
                rules.setdefault(repr(selected), (selected, set()))[1].update(ports)
            if unknown:
                break
        if unknown:
            left.append(unknown)
            continue
        spec["policyTypes"].append(type)
        spec[key] = [
            {
                side: [selected],
                "ports": [{"port": port, "protocol": protocol} for port, protocol in sorted(ports)],
            }
            for _, (selected, ports) in sorted(rules.items())
        ]
        because.append(f"{key}: {len(of_way)} recorded connections")
    if not spec["policyTypes"]:
        return LearnedPolicy({}, (), tuple(left))
    metadata = {"name": name, "namespace": own.namespace}
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
    return LearnedPolicy(body, tuple(because), tuple(left))


def _listening(profiles: Sequence[Profile]) -> str:
    """``port 80/TCP, 443/TCP``; empty where it listens nowhere."""
    ports = {
        (one.port, one.protocol)
        for profile in profiles
        for one in profile.peers
        if one.direction == "listens"
    }
    shown = ", ".join(f"{port}/{protocol}" for port, protocol in sorted(ports)[:5])
    return f"port {shown}" if shown else ""


def stable_labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in sorted(labels.items()) if key not in (*_OF_REVISION, *_OF_RELEASE)}


def ends_of(peer: Peer, services: Services) -> Iterable[tuple[End, int]]:
    """What the connection leads to, with the port at the pod; nothing where that is not known."""
    if peer.direction not in INCOMING:
        behind = services.behind.get((peer.address, peer.port, peer.protocol))
        if behind:
            return behind
    pod = services.pods.get(peer.address)
    if pod is not None:
        return ((pod, peer.port),)
    if is_inner(peer.address) or peer.address in services.addresses:
        return ()
    return ((End(address=peer.address), peer.port),)


def _selected(end: End, namespace: str) -> Json | None:
    if end.is_on_host_network:
        return None
    if not end.namespace:
        return {"ipBlock": {"cidr": f"{end.address}/{128 if ':' in end.address else 32}"}}
    labels = stable_labels(end.labels)
    if not labels:
        return None
    found: Json = {"podSelector": {"matchLabels": labels}}
    if end.namespace != namespace:
        found["namespaceSelector"] = {"matchLabels": {_NAME: end.namespace}}
    return found


def names_of(profiles: Sequence[Profile], policy: Json) -> Iterator[str]:
    """Addresses of the policy that were asked for by name, and may be others tomorrow."""
    text = repr(policy)
    for peer in sorted({peer for one in profiles for peer in one.peers}):
        if peer.names and f"'{peer.address}/" in text:
            yield f"{peer.address} was asked for as {', '.join(peer.names[:3])}: it may have another address tomorrow"
