"""This subject can give itself rights that it does not have.

Kubernetes does not let users hand out more rights than they hold. Three verbs lift that rule: ``bind`` on roles binds
any of them, ``escalate`` writes any right into one, and ``impersonate`` borrows someone else's.

Fix: take the three verbs out of the role. For ``bind``, name the harmless roles with ``resourceNames``.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [rbac.authorization.k8s.io]
      resources: [clusterroles]
      verbs: [bind]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: whether a role that may be bound by name is harmless, ``cluster-admin`` aside; who else may
act as this subject; roles that are not part of the target.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#escalate-verb
"""

from leadline.posture.checks.rbac_queries import BIND_OR_ESCALATE, IMPERSONATE
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0191",
    "Limit use of the Bind, Impersonate and Escalate permissions in the Kubernetes cluster",
    problem="May bind, escalate or impersonate",
    consequence="cluster takeover",
    score=9.0,
    reference_score=6.0,
    category="Access control",
)
def bind_or_escalate(rights: Rights) -> Violations:
    yield from rights.may_any((*BIND_OR_ESCALATE, *IMPERSONATE))
