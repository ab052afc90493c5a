"""A role is given to every service account, of the whole cluster or of a namespace.

Each pod has one, also those that are added tomorrow and never asked for a right; a hole in any of them then has these
rights.

Fix: bind the role to the accounts that need it, by name.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: b}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:serviceaccounts"}

Cannot see: which accounts use the rights.

See: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#service-account-permissions
"""

from leadline.kube.bootstrap import grants_only_public_facts
from leadline.posture.control import Grant, Violations, control


def is_every_account(grant: Grant) -> bool:
    return grant.kind == "Group" and grant.name.partition(":")[2].split(":")[0] == "serviceaccounts"


@control(
    "L-0046",
    "No role is given to every service account",
    problem="Role for every service account",
    consequence="cluster takeover",
    score=6.0,
    category="Access control",
    applies=is_every_account,
)
def role_for_every_account(grant: Grant) -> Violations:
    if not grants_only_public_facts(grant.rules.all):
        yield from grant.review_binding()
