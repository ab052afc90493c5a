"""The workload holds a token that is enough to take the cluster over.

Anyone who may create pods in every namespace can start a privileged one, and anyone who may read all Secrets finds
stronger tokens among them. A hole in this program is then a hole in the cluster. The same rights in ``kube-system`` are
enough, since what runs there controls the cluster; in another namespace they open that namespace alone, which C-0186 and
C-0188 say of the account.

Fix: bind the role in the namespaces that the program works in, by RoleBindings, or narrow the rule to the names that it
uses.

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
    - {apiGroups: [""], resources: [pods], verbs: [create]}
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
from leadline.posture.checks.rbac_queries import CLUSTER_IN_ONE_STEP, takes_over
from leadline.posture.checks.token_rights import evidence_of, token_of
from leadline.posture.control import Inventory, Review, Violations, Workload, control


@control(
    "C-0267",
    "Workload with cluster takeover roles",
    problem="Workload may take over the cluster",
    consequence="cluster takeover",
    score=9.0,
    reference_score=6.0,
    category="Workload",
    reads=(*RBAC_KINDS, "ServiceAccount"),
)
def may_take_over_cluster(workload: Workload, inventory: Inventory) -> Violations:
    grants = list(token_of(workload, inventory, takes_over))
    for grant in grants:
        yield from evidence_of(grant, CLUSTER_IN_ONE_STEP)
    account = inventory.service_account_of(workload) if grants else None
    if account is not None:
        yield Review("", on=account.id, advice="give the workload an account with fewer rights, or no token")
