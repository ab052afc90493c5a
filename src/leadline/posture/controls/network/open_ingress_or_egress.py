"""No network policy limits both what reaches these pods and what they may reach.

An open ingress lets any pod knock; an open egress lets a broken-into program fetch its tools, call home and
carry data away. Each direction has to be closed for itself.

Fix: select the pods with policies of both types, and list in each who and what is allowed.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop, labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "nginx:1.27"}
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: web, namespace: shop}
    spec:
      podSelector: {matchLabels: {app: web}}
      policyTypes: [Ingress]

Cannot see: whether the cluster's network plugin enforces policies.

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from leadline.kube.network_policy import POLICY_KINDS
from leadline.posture.control import Inventory, Missing, Violations, Workload, control


@control(
    "C-0030",
    "Ingress and Egress blocked",
    problem="Ingress or egress not restricted",
    consequence="reachable from outside",
    score=5.0,
    reference_score=6.0,
    category="Network",
    reads=(*POLICY_KINDS, "Namespace"),
)
def open_ingress_or_egress(workload: Workload, inventory: Inventory) -> Violations:
    policies = inventory.policies_of(workload)
    open_ways = []
    for rule in policies:
        inventory.rest_on(rule.policy)
    if not any(policy.restricts_ingress for policy in policies):
        open_ways.append("ingress")
    if not any(policy.restricts_egress for policy in policies):
        open_ways.append("egress")
    if open_ways:
        yield Missing(f"a NetworkPolicy that selects these pods and limits their {' and '.join(open_ways)}")
