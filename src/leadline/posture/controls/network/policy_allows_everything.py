"""The policy isolates pods in name alone: one of its rules lets everything in or out.

It reads as protection and gives none; other policies cannot take back what one allows.

Fix: name the peers and ports in the rule, or delete the policy. Policies of Cilium and Calico are asked as well.

Example::

    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: web, namespace: shop}
    spec:
      podSelector: {}
      policyTypes: [Egress, Ingress]
      egress:
      - {}

Cannot see: whether the network plugin enforces policies; policies meant to open some pods that others close.

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from leadline.posture.checks.network_policies import POLICY_KINDS, policy_rules
from leadline.posture.control import Resource, Review, Violations, control


@control(
    "L-0030",
    "Network policies restrict something",
    problem="Network policy allows everything",
    consequence="reachable from outside",
    score=4.0,
    category="Network",
    kinds=POLICY_KINDS,
)
def policy_allows_everything(policy: Resource) -> Violations:
    for rule in policy_rules(policy):
        if rule.isolates_ingress and rule.allows_all_ingress:
            yield Review(f"{rule.path}.ingress")
        if rule.isolates_egress and rule.allows_all_egress:
            yield Review(f"{rule.path}.egress")
