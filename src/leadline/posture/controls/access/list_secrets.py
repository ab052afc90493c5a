"""Anyone who may read secrets holds every credential that is stored in them.

Passwords, tokens and keys of all applications in reach are then one request away, and with a service
account's token the reader becomes that account.

Fix: name the secrets that are needed with ``resourceNames``, or mount them into the pod instead.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: reader}
    rules:
    - apiGroups: [""]
      resources: [secrets]
      verbs: [get, list]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: readers}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: who else may act as this subject; roles that are not part of the target.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#secrets
"""

from leadline.posture.control import Rights, Violations, control

READ = frozenset({"get", "list", "watch"})
SECRETS = frozenset({"secrets"})


@control(
    "C-0015",
    "List Kubernetes secrets",
    problem="May list Secrets",
    consequence="secrets",
    score=7.0,
    category="Access control",
)
def list_secrets(rights: Rights) -> Violations:
    yield from rights.may(READ, SECRETS)
