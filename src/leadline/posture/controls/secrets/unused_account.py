"""No pod runs as the service account, and no binding names it.

It can be bound or used later without anyone noticing. Only accounts of a whole cluster, or beside workloads
of their namespace, are judged.

Fix: delete it, or name it in the pod that it was made for.

Example::

    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: old, namespace: shop}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      serviceAccountName: web
      containers:
      - {name: web, image: "nginx:1.27"}

Cannot see: programs outside the cluster that hold a token of it.

See: https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from leadline.posture.checks.rbac_queries import RBAC_KINDS
from leadline.posture.checks.target_completeness import expect
from leadline.posture.control import (
    WORKLOADS,
    Inventory,
    Resource,
    Review,
    Violations,
    control,
    mappings,
    text,
)

GROUP = "rbac.authorization.k8s.io"
BINDINGS = (f"RoleBinding.{GROUP}", f"ClusterRoleBinding.{GROUP}")


@control(
    "L-0036",
    "Service accounts are in use",
    problem="Service account without use",
    consequence="other",
    score=1.0,
    category="Access control",
    kinds=("ServiceAccount",),
    reads=(WORKLOADS, *RBAC_KINDS),
)
def unused_account(account: Resource, inventory: Inventory) -> Violations:
    if account.name == "default" or inventory.workloads_of_account(account.namespace, account.name):
        return
    if account.name not in inventory.once("bound accounts", lambda: bound_accounts(inventory)):
        expect(account, (WORKLOADS,), inventory, name=account.name)
        yield Review("")


def bound_accounts(inventory: Inventory) -> frozenset[str]:
    return frozenset(
        text(subject.get("name"))
        for kind in BINDINGS
        for binding in inventory.of(kind)
        for _, subject in mappings(binding.body.get("subjects"))
        if subject.get("kind") == "ServiceAccount"
    )
