"""Everyone who can sign in at all holds a role that opens the way to more.

``system:authenticated`` is no team: it holds every service account of every pod, and on some clouds
anyone with an account of the provider. A role that lets them read secrets, start pods, run commands or
change roles makes each of them a possible administrator.

Fix: bind the role to the group or account that needs it, and take ``system:authenticated`` out of the
binding.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: secret-readers}
    rules:
    - apiGroups: [""]
      resources: [secrets]
      verbs: [list]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: all-read}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: secret-readers}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:authenticated"}

Cannot see: who can sign in; roles that are not part of the target.

See: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""

from leadline.posture.checks.rbac_queries import TAKEOVER
from leadline.posture.control import Grant, Violations, control


def is_everyone(grant: Grant) -> bool:
    return grant.name == "system:authenticated" and grant.kind == "Group"


@control(
    "C-0265",
    "system:authenticated user has elevated roles",
    problem="Role for everyone who can sign in",
    consequence="cluster takeover",
    score=7.0,
    category="Control plane / Supply chain",
    applies=is_everyone,
)
def elevated_authenticated_users(grant: Grant) -> Violations:
    yield from grant.may_any(TAKEOVER)
