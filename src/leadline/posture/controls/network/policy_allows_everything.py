"""The policy isolates pods in name alone: what it is for, ingress, egress or both, its rules leave open.

It reads as protection and gives none; other policies cannot take back what one allows. A policy that restricts one way and
leaves the other open is none of these: C-0030 reports its pods. Neither is one that opens some pods which another closes
with all the rest.

Fix: name the peers and ports in the rule, or delete the policy. Policies of Cilium and Calico are asked as well.

Example::

    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: web, namespace: shop}
    spec:
      podSelector: {}
      policyTypes: [Egress]
      egress:
      - {}

Cannot see: whether the network plugin enforces policies.

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from leadline.kube.network_policy import POLICY_KINDS, PolicyRule, policy_rules
from leadline.posture.control import Inventory, Resource, Review, Violations, control


@control(
    "L-0030",
    "Network policies restrict something",
    problem="Network policy allows everything",
    consequence="reachable from outside",
    score=4.0,
    category="Network",
    kinds=POLICY_KINDS,
    reads=POLICY_KINDS,
)
def policy_allows_everything(policy: Resource, inventory: Inventory) -> Violations:
    for rule in policy_rules(policy):
        if rule.restricts_ingress or rule.restricts_egress or is_exception(rule, inventory):
            continue
        if rule.isolates_ingress:
            yield Review(f"{rule.path}.ingress")
        if rule.isolates_egress:
            yield Review(f"{rule.path}.egress")


def is_exception(rule: PolicyRule, inventory: Inventory) -> bool:
    """Whether another policy closes every pod of the namespace, so that this one opens some on purpose."""
    return not rule.selects_all and any(
        (other.restricts_ingress and rule.isolates_ingress)
        or (other.restricts_egress and rule.isolates_egress)
        for other in inventory.policies_in(rule.namespace)
        if other.selects_all
    )
