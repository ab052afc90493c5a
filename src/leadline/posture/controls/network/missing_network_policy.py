"""Pods that no network policy selects accept connections from every other pod.

One broken-into container can then reach them all, whatever its own rights are.

Fix: write a NetworkPolicy that selects these pods and names who may connect.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop, labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "nginx:1.27"}

Cannot see: whether the cluster's network plugin enforces policies; rules of a cloud's firewall.

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from leadline.kube.network_policy import POLICY_KINDS
from leadline.posture.control import Inventory, Missing, Violations, Workload, control


@control(
    "C-0260",
    "Missing network policy",
    problem="No network policy for the pods",
    consequence="reachable from outside",
    score=5.0,
    category="Network",
    reads=(*POLICY_KINDS, "Namespace"),
)
def missing_network_policy(workload: Workload, inventory: Inventory) -> Violations:
    policies = inventory.policies_of(workload)
    for rule in policies:
        inventory.rest_on(rule.policy)
    if not policies:
        yield Missing("a NetworkPolicy that selects these pods")
