"""This subject can read the secrets of a namespace, or of all, without naming one.

``list`` and ``watch`` return the contents as ``get`` does. A cluster-wide grant reaches the tokens,
certificates and passwords of every team at once, those of the platform included.

Fix: grant ``get`` with ``resourceNames`` for the few secrets that are read, in the namespace where they
are.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [""]
      resources: [secrets]
      verbs: [watch]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: secrets that are read through a pod that mounts them; a secret store outside the cluster.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#listing-secrets
"""

from leadline.posture.checks.rbac_queries import READ_SECRETS
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0186",
    "Minimize access to secrets",
    problem="May read Secrets",
    consequence="secrets",
    score=7.0,
    reference_score=6.0,
    category="Access control",
)
def secret_access(rights: Rights) -> Violations:
    yield from rights.may_any(READ_SECRETS)
