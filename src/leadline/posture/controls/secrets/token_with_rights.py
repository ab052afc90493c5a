"""A token is mounted whose account holds a role.

Most accounts can do nothing, and their tokens are worth little; this one may do something, and anyone who
reads the file may do it too.

Fix: switch the mount off where the program does not call the API server; else give the account the one role
it needs.

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
    - {apiGroups: [""], resources: [pods], verbs: [get]}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: b}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}
    subjects:
    - {kind: ServiceAccount, name: app, namespace: shop}

Cannot see: whether the program does call the Kubernetes API.

See: https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from leadline.kube.rbac import RBAC_KINDS
from leadline.posture.checks.token_rights import grants_anything
from leadline.posture.control import Inventory, Review, Set, Violations, Workload, control


@control(
    "C-0261",
    "ServiceAccount token mounted",
    problem="Token with rights mounted",
    consequence="cluster takeover",
    score=5.0,
    reference_score=7.0,
    category="Secrets",
    reads=(*RBAC_KINDS, "ServiceAccount"),
)
def token_with_rights(workload: Workload, inventory: Inventory) -> Violations:
    if not inventory.mounts_token(workload):
        return
    grants = [grant for grant in inventory.grants_of(workload) if grant.once(grants_anything)]
    if not grants and not inventory.holds_unread_role(workload):
        return
    if workload.pod.get("automountServiceAccountToken") is True:
        yield Review("automountServiceAccountToken")
    else:
        yield Set("automountServiceAccountToken", False)
    account = inventory.service_account_of(workload)
    if account is not None:
        yield Review("", on=account.id, advice="set automountServiceAccountToken to false on it")
    for grant in grants:
        yield Review(grant.subject_path, on=grant.binding.id)
        yield Review("roleRef.name", on=grant.binding.id)
