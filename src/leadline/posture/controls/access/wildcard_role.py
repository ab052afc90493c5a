"""A role that is written with stars grows by itself with every new kind in the cluster.

A star also covers what was not known when the role was written: subresources, custom resources of
operators installed later, verbs such as ``escalate`` and ``impersonate``.

Fix: replace each star by the names of the verbs, groups and resources that the subject uses today.

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

Cannot see: rules with a single star, which C-0035 and this control leave to a person; members of
groups.

See: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
"""

from leadline.posture.checks.rbac_queries import EVERYTHING
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0187",
    "Minimize wildcard use in Roles and ClusterRoles",
    problem="Wildcard in a role",
    consequence="cluster takeover",
    score=8.0,
    reference_score=7.0,
    category="Access control",
)
def wildcard_role(rights: Rights) -> Violations:
    yield from rights.may_any(EVERYTHING)
