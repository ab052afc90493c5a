"""The workload holds an administrator's token.

It may do anything to anything; anyone who gets into the container has no further to go.

Fix: write a role with the verbs and kinds that the program uses; its calls in the audit log show which.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
    spec:
      template:
        metadata: {labels: {app: web, tier: front}}
        spec:
          serviceAccountName: app
          containers:
          - {name: web, image: "nginx:1.27"}
    ---
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: app, namespace: shop}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: r}
    rules:
    - {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: b}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}
    subjects:
    - {kind: ServiceAccount, name: app, namespace: shop}

Cannot see: rights that the account gets outside RBAC, as from a cloud.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
"""

from leadline.kube.rbac import RBAC_KINDS
from leadline.posture.checks.rbac_queries import EVERYTHING, reaches_the_cluster
from leadline.posture.checks.token_rights import evidence_of, token_of
from leadline.posture.control import Grant, Inventory, Review, Violations, Workload, control


def is_administrator_of_one_namespace(workload: Workload, inventory: Inventory) -> bool:
    return not any(map(reaches_the_cluster, token_of(workload, inventory, takes_over)))


@control(
    "C-0272",
    "Workload with administrative roles",
    problem="Workload is administrator",
    consequence="cluster takeover",
    score=9.0,
    namespaced_score=8.0,
    is_namespaced=is_administrator_of_one_namespace,
    reference_score=6.0,
    category="Workload",
    reads=(*RBAC_KINDS, "ServiceAccount"),
)
def is_administrator(workload: Workload, inventory: Inventory) -> Violations:
    grants = list(token_of(workload, inventory, takes_over))
    for grant in grants:
        yield from evidence_of(grant, EVERYTHING)
        yield Review("roleRef", on=grant.binding.id)
    account = inventory.service_account_of(workload) if grants else None
    if account is not None:
        yield Review("", on=account.id, advice="give the workload an account with fewer rights, or no token")


def takes_over(grant: Grant) -> bool:
    return any(map(grant.matching, EVERYTHING))
