"""This subject can change or delete the network policies that keep pods apart.

One request opens every pod of a namespace to the others, and to the internet where they may be reached from there.
Policies of Cilium and Calico count as well.

Fix: leave policies to the pipeline that installs them, and take the verbs out of the role.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: r}
    rules:
    - {apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [delete]}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: b}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: whether the network plugin enforces policies; roles that are not part of the target.

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from leadline.posture.checks.rbac_queries import CHANGE_NETWORK_POLICIES
from leadline.posture.control import Rights, Violations, control


@control(
    "L-0025",
    "Minimize access to network policies",
    problem="May change network policies",
    consequence="reachable from outside",
    score=5.0,
    category="Access control",
)
def change_network_policies(rights: Rights) -> Violations:
    yield from rights.may_any(CHANGE_NETWORK_POLICIES)
