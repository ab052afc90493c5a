"""This subject can act under the name of other users, groups or service accounts.

It then has their rights on top of its own, and as a member of ``system:masters`` there is no limit left.
A right to impersonate certain accounts by name is a decision someone made and passes; being able to
become ``system:masters`` never does.

Fix: take ``impersonate`` out of the role, or name the accounts with ``resourceNames``.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [""]
      resources: [users]
      verbs: [impersonate]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: what the accounts that may be impersonated are allowed to do; who else may act as this
subject; roles that are not part of the target.

See: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
"""

from leadline.posture.checks.rbac_queries import IMPERSONATE
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0065",
    "No impersonation",
    problem="May act as other users",
    consequence="cluster takeover",
    score=9.0,
    reference_score=6.0,
    category="Access control",
)
def impersonation(rights: Rights) -> Violations:
    yield from rights.may_any(IMPERSONATE)
