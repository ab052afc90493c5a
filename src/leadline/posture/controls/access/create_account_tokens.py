"""This subject can issue tokens for service accounts and act as any of them.

A token that was asked for works from anywhere until it expires, and the pods of the account continue as
before, without any notice. With the right for a whole cluster, one of the accounts in reach is surely an
administrator.

Fix: name the accounts whose tokens are needed with ``resourceNames``, in a Role of their namespace.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [""]
      resources: [serviceaccounts/token]
      verbs: [create]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: what the accounts in reach are allowed to do; who else may act as this subject; roles that
are not part of the target.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#token-request
"""

from leadline.posture.checks.rbac_queries import CREATE_TOKENS
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0282",
    "Minimize access to the service account token creation",
    problem="May create account tokens",
    consequence="cluster takeover",
    score=9.0,
    reference_score=5.0,
    category="Access control",
)
def create_account_tokens(rights: Rights) -> Violations:
    yield from rights.may_any(CREATE_TOKENS)
