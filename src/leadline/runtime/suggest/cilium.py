"""The part of a network policy that names of DNS say better than addresses: a CiliumNetworkPolicy with ``toFQDNs``.

Source: https://docs.cilium.io/en/stable/security/dns/
"""

from collections.abc import Sequence
from typing import Any

from leadline.kube.reachability import End
from leadline.model.profile import Profile
from leadline.runtime.rehearsal.network import INCOMING, is_inner, is_loopback
from leadline.runtime.suggest.network import stable_labels

_DNS = {
    "toEndpoints": [
        {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s-app": "kube-dns"}}
    ],
    "toPorts": [
        {
            "ports": [{"port": "53", "protocol": "ANY"}],
            "rules": {"dns": [{"matchPattern": "*"}]},
        }
    ],
}
"""Cilium learns the addresses of names from the answers that it sees."""
Json = dict[str, Any]


def policy_by_names(own: End, name: str, profiles: Sequence[Profile], policy: Json) -> Json:
    """In the place of the addresses of ``policy`` that were asked for by name; empty where none was."""
    allowed = repr(policy)
    ports: dict[tuple[str, ...], set[tuple[int, str]]] = {}
    for one in profiles:
        for peer in one.peers:
            is_outside = not (is_inner(peer.address) or is_loopback(peer.address))
            if (
                peer.names
                and is_outside
                and peer.direction not in INCOMING
                and f"'{peer.address}/" in allowed
            ):
                ports.setdefault(peer.names, set()).add((peer.port, peer.protocol))
    labels = stable_labels(own.labels)
    if not ports or not labels:
        return {}
    rules: list[Json] = [_DNS]
    for names, its in sorted(ports.items()):
        rules.append({
            "toFQDNs": [{"matchName": one.rstrip(".")} for one in names],
            "toPorts": [{"ports": [{"port": str(port), "protocol": protocol} for port, protocol in sorted(its)]}],
        })  # fmt: skip
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": f"{name}-names", "namespace": own.namespace},
        "spec": {"endpointSelector": {"matchLabels": labels}, "egress": rules},
    }
