"""The policy lets pods reach what hands out the rights of their node: the metadata address of clouds, or the kubelet.

A program that can be made to send a request, or a container that was broken into, asks 169.254.169.254 and then holds the
rights of the node in the cloud. At port 10250 the kubelet runs commands in every pod of its node. Policies of Cilium and
Calico are asked as well.

Fix: add the address to ``except`` of the block, ``169.254.169.254/32``, or name the ports that are needed.

Example::

    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: web, namespace: shop}
    spec:
      podSelector: {}
      policyTypes: [Egress, Ingress]
      egress:
      - to: [{ipBlock: {cidr: 0.0.0.0/0}}]

Cannot see: whether the cloud asks for a token that pods cannot have; what other policies allow.

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from leadline.kube.network_policy import POLICY_KINDS
from leadline.posture.checks.egress import dangerous_egress
from leadline.posture.control import Resource, Review, Violations, control


@control(
    "L-0029",
    "Egress to the metadata address and to kubelets is closed",
    problem="Egress to metadata address or kubelet",
    consequence="secrets",
    score=4.0,
    category="Network",
    kinds=POLICY_KINDS,
)
def egress_to_metadata(policy: Resource) -> Violations:
    for path in dangerous_egress(policy):
        yield Review(path)
