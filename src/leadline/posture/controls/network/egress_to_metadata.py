"""The policy lets pods reach the address at which clouds hand out credentials of the node, 169.254.169.254.

A program that can be made to send a request, or a container that was broken into, then holds the rights of the node in
the cloud.

Fix: add the address to ``except`` of the block, ``169.254.169.254/32``.

Example::

    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: web, namespace: shop}
    spec:
      podSelector: {}
      policyTypes: [Egress, Ingress]
      egress:
      - to: [{ipBlock: {cidr: 0.0.0.0/0}}]

Cannot see: whether the cloud asks for a token that pods cannot have; policies of other kinds.

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from ipaddress import ip_address, ip_network
from typing import Any

from leadline.posture.control import Resource, Review, Violations, control, mapping, mappings, sequence

METADATA = ip_address("169.254.169.254")


@control(
    "L-0029",
    "Egress to the metadata address is closed",
    problem="Egress to the metadata address",
    consequence="secrets",
    score=4.0,
    category="Network",
    kinds=("NetworkPolicy.networking.k8s.io",),
)
def egress_to_metadata(policy: Resource) -> Violations:
    for r, rule in mappings(mapping(policy.body.get("spec")).get("egress")):
        for t, peer in mappings(rule.get("to")):
            block = mapping(peer.get("ipBlock"))
            if holds(block.get("cidr")) and not any(map(holds, sequence(block.get("except")))):
                yield Review(f"spec.egress[{r}].to[{t}].ipBlock")


def holds(cidr: Any) -> bool:
    try:
        return METADATA in ip_network(cidr, strict=False) if isinstance(cidr, str) else False
    except ValueError:
        return False
