"""Pods of this namespace talk to whom they like inside the cluster.

One pod that was broken into reaches the databases and the caches of all others, whatever belongs to whom.

Fix: begin with a policy that selects all pods of the namespace and denies ingress, then allow what is
needed.

Example::

    apiVersion: v1
    kind: Namespace
    metadata: {name: shop}

Cannot see: whether the cluster's network plugin enforces policies; firewalls of the cloud.

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from leadline.kube.network_policy import POLICY_KINDS
from leadline.posture.checks.namespaces import holds_applications
from leadline.posture.checks.network_policies import has_network_policy
from leadline.posture.control import WORKLOADS, Inventory, Missing, Namespace, Violations, control


@control(
    "C-0054",
    "Cluster internal networking",
    problem="Pods of a namespace open to each other",
    consequence="reachable from outside",
    score=4.0,
    category="Network",
    applies=holds_applications,
    reads=(*POLICY_KINDS, WORKLOADS),
)
def open_cluster_network(namespace: Namespace, inventory: Inventory) -> Violations:
    if not has_network_policy(namespace, inventory):
        yield Missing("a NetworkPolicy in this namespace")
