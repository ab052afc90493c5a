"""An intruder in this namespace can map the network around it.

Without any policy every pod may knock at every port of every other; a scan from one broken-into pod shows
all that there is to attack.

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
    "C-0049",
    "Network mapping",
    problem="Namespace without network policy",
    consequence="reachable from outside",
    score=4.0,
    reference_score=3.0,
    category="Network",
    applies=holds_applications,
    reads=(*POLICY_KINDS, WORKLOADS),
)
def namespace_without_policy(namespace: Namespace, inventory: Inventory) -> Violations:
    if not has_network_policy(namespace, inventory):
        yield Missing("a NetworkPolicy in this namespace")
