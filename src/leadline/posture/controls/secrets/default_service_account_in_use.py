"""Pods that ask for no account share the default one, and it is usable.

Every right given to ``default`` is given to whatever is started in the namespace by default; no log
knows afterwards which pod used it.

Fix: set ``automountServiceAccountToken: false`` on the account ``default`` and make an account for each
workload that needs one.

Example::

    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: default, namespace: shop}

Cannot see: whether pods use their account.

See: https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from leadline.posture.checks.accounts import has_own_account
from leadline.posture.control import Inventory, Resource, Review, Set, Violations, control


@control(
    "C-0189",
    "Ensure that default service accounts are not actively used",
    problem="Default service account in use",
    consequence="secrets",
    score=3.0,
    reference_score=5.0,
    category="Workload",
    kinds=("ServiceAccount", "Namespace"),
)
def default_service_account_in_use(resource: Resource, inventory: Inventory) -> Violations:
    if resource.kind == "Namespace":
        if not has_own_account(resource.name, inventory):
            yield Review("", advice="give its workloads service accounts of their own")
    elif resource.name == "default":
        said = resource.body.get("automountServiceAccountToken")
        if said is not False:
            yield Set("automountServiceAccountToken", False)
