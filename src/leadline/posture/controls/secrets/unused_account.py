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

from leadline.kube.rbac import RBAC_KINDS
from leadline.posture.checks.accounts import is_named_in_a_binding
from leadline.posture.checks.target_completeness import expect, expect_no_operator
from leadline.posture.control import (
    WORKLOADS,
    Inventory,
    Resource,
    Review,
    Violations,
    control,
)
from leadline.posture.inventory import DEFAULT_ACCOUNT


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
    if account.name == DEFAULT_ACCOUNT or inventory.has_workloads_of_account(account.namespace, account.name):
        return
    if not is_named_in_a_binding(account, inventory):
        expect(account, (WORKLOADS,), inventory, name=account.name)
        expect_no_operator(account, inventory)
        yield Review("", advice="delete it: no pod and no binding names it")
