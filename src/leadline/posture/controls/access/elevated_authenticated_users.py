"""Everyone who can sign in, or everyone at all, holds a role.

``system:authenticated`` is not a team: it holds every service account of every pod, and on some clouds
anyone with an account of the provider. ``system:unauthenticated`` holds callers who never signed in. A role
that lets them read secrets, start pods, run commands or change roles makes each of them a possible
administrator; rules of this kind are shown. The bindings that Kubernetes makes at its start, for discovery, health
and questions about oneself, pass.

Fix: bind the role to the group or account that needs it, and take the group out of the binding.

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

EVERYONE = frozenset({"system:authenticated", "system:unauthenticated"})


def is_everyone(grant: Grant) -> bool:
    return grant.name in EVERYONE and grant.kind == "Group"


@control(
    "C-0265",
    "system:authenticated user has elevated roles",
    problem="Role for everyone who can sign in",
    consequence="cluster takeover",
    score=9.0,
    reference_score=7.0,
    category="Control plane / Supply chain",
    applies=is_everyone,
)
def elevated_authenticated_users(grant: Grant) -> Violations:
    dangerous = list(grant.may_any(TAKEOVER))
    yield from dangerous
    if not dangerous:
        yield from grant.review_binding()
