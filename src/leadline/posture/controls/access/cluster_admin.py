"""This subject holds ``cluster-admin`` for the whole cluster.

The role overrides every other limit, in namespaces that do not exist yet as well. It belongs to the few
who rescue a broken cluster, with an account they use for nothing else. What Kubernetes itself binds at
its start, ``system:masters`` and kubeadm's own admins, is not reported.

Fix: bind ``admin`` or ``edit`` in the namespaces that are needed, and take the subject out of this binding.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: ci}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
    subjects:
    - {kind: ServiceAccount, name: deploy, namespace: ci}

Cannot see: members of groups, and holders of client certificates of the group ``system:masters``.

See: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
"""

from leadline.posture.checks.rbac_queries import EVERYTHING
from leadline.posture.control import Grant, Violations, control


@control(
    "C-0185",
    "Ensure that the cluster-admin role is only used where required",
    problem="cluster-admin is bound",
    consequence="cluster takeover",
    score=9.0,
    reference_score=8.0,
    category="Access control",
)
def cluster_admin(grant: Grant) -> Violations:
    if grant.is_cluster_wide and grant.role.name == "cluster-admin" and grant.role.kind == "ClusterRole":
        yield from grant.may_any(EVERYTHING)
