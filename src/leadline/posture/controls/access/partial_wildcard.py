"""A rule of the role has a star for its verbs, its groups or its resources.

One star is enough to grow by itself: a star for verbs holds ``escalate`` and ``impersonate``, a star for
resources holds Secrets and every kind that an operator brings along. C-0187 reports rules with all three.

Fix: replace the star by the names that the subject uses today.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: r}
    rules:
    - {apiGroups: [apps], resources: [deployments], verbs: ["*"]}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: b}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: which of the rights are used; roles that are not part of the target.

See: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
"""

from leadline.posture.checks.rbac_queries import partial_wildcard as has_a_star
from leadline.posture.control import Rights, Violations, control


@control(
    "L-0026",
    "Minimize single wildcards in roles",
    problem="Wildcard for verbs, groups or resources",
    consequence="cluster takeover",
    score=4.0,
    category="Access control",
)
def partial_wildcard(rights: Rights) -> Violations:
    yield from rights.may_any((has_a_star,))
