"""A token of the service account is put into every container, whether it calls the API or not.

Anyone who reads that file acts as the account. Most programs never talk to the API server, so for them the
token only serves an attacker.

Fix: set ``automountServiceAccountToken: false`` in the pod, or in the service account for all of its pods.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - {name: web, image: "nginx:1.27"}

Cannot see: whether the program does call the Kubernetes API; one whose own account was given rights is taken to.

See: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
"""

from leadline.kube.rbac import RBAC_KINDS
from leadline.posture.control import Inventory, Set, Violations, Workload, control


@control(
    "C-0034",
    "Automatic mapping of service account",
    problem="Service account token mounted by default",
    consequence="secrets",
    score=4.0,
    reference_score=6.0,
    category="Secrets",
    reads=("ServiceAccount", *RBAC_KINDS),
)
def mounted_service_account_token(workload: Workload, inventory: Inventory) -> Violations:
    if inventory.mounts_token(workload) and not inventory.works_with_token(workload):
        yield Set("automountServiceAccountToken", False)
