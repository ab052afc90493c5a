"""Anyone who holds a role of stars only is an administrator, whatever the role is called.

Every verb on every resource includes reading all secrets, starting privileged pods and handing the same
rights on. A role bound in one namespace does that there; one bound for the whole cluster does it
everywhere.

Fix: list the verbs, groups and resources that are used, or take the subject out of the binding.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: ["*"]
      resources: ["*"]
      verbs: ["*"]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: who belongs to a group; roles that are not part of the target, other than those that every
cluster has.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege
"""

from leadline.posture.checks.rbac_queries import EVERYTHING
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0035",
    "Administrative Roles",
    problem="Role with every right",
    consequence="cluster takeover",
    score=9.0,
    reference_score=6.0,
    category="Access control",
)
def administrative_role(rights: Rights) -> Violations:
    yield from rights.may_any(EVERYTHING)
