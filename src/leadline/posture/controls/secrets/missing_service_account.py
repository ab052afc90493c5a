"""The workload names a service account that does not exist.

Its pods are not created, and anyone who creates an account of that name later chooses what they may do.

Fix: create the account, or fix the name.

Example::

    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: web, namespace: shop}
    ---
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

Cannot see: accounts elsewhere. Files are judged only where accounts of the namespace are beside the workload.

See: https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from leadline.posture.checks.target_completeness import expect
from leadline.posture.control import Inventory, Resource, Review, Violations, Workload, control


def names_an_account(workload: Workload) -> bool:
    return workload.service_account != "default"


@control(
    "C-0307",
    "Non-existent service account",
    problem="Service account does not exist",
    consequence="availability",
    score=4.0,
    reference_score=5.0,
    category="Workload",
    applies=names_an_account,
    reads=("ServiceAccount",),
)
def missing_service_account(workload: Workload, inventory: Inventory) -> Violations:
    if inventory.service_account_of(workload) is None:
        name = workload.service_account
        expect(workload.resource, ("ServiceAccount",), inventory, name=name, resolves=uses_an_account)
        # The server copies the older field into the newer one, so either names the account.
        yield Review("serviceAccountName" if workload.pod.get("serviceAccountName") else "serviceAccount")


def uses_an_account(resource: Resource, inventory: Inventory) -> bool:
    """Whether its pods name an account that was read."""
    return any(
        names_an_account(workload) and inventory.service_account_of(workload) is not None
        for workload in inventory.workloads_of(resource)
    )
