"""The token in these containers can change the cluster or read its secrets.

Anyone who breaks into a container finds the token of its service account in a file and may do all that the
account may. Here that is more than reading: it creates, changes or deletes objects, hands out secrets, or opens
a shell in pods, for which ``get`` on ``pods/exec`` or ``nodes/proxy`` is enough. An account whose token no pod
mounts is left alone, and so is a role that only lets a program write its own events, leases and status.

Fix: cut the role down to what the program calls, or set ``automountServiceAccountToken: false`` where it
calls nothing.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: shop-writer}
    rules:
    - apiGroups: [""]
      resources: [services]
      verbs: [patch]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: web-writes}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: shop-writer}
    subjects:
    - {kind: ServiceAccount, name: web, namespace: shop}

Cannot see: pods that use the account and are not part of the target; tokens that were made by request
and kept elsewhere.

See: https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from leadline.posture.checks.rbac_queries import (
    REACH_KUBELETS,
    READ_SECRETS,
    RUN_COMMANDS,
    beyond_reading,
    beyond_reading_a_namespace,
)
from leadline.posture.control import WORKLOADS, Grant, Inventory, Violations, control


def is_service_account(grant: Grant) -> bool:
    return grant.kind == "ServiceAccount"


@control(
    "C-0053",
    "Access container service account",
    problem="Service account may do more than read",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Access control",
    applies=is_service_account,
    reads=("ServiceAccount", WORKLOADS),
)
def service_account_beyond_reading(grant: Grant, inventory: Inventory) -> Violations:
    users = inventory.workloads_of_account(grant.namespace or grant.reaches, grant.name)
    if any(map(inventory.mounts_token, users)) or not (users or inventory.is_whole):
        writes = beyond_reading if grant.is_cluster_wide else beyond_reading_a_namespace
        yield from grant.may_any((*READ_SECRETS, *RUN_COMMANDS, *REACH_KUBELETS, writes))
