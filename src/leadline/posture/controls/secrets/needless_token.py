"""The pod mounts a token for the Kubernetes API without having asked for it.

Mounting is the default, so most pods carry a token that they never use; a hole in any of them hands it out.

Fix: switch the mount off in the pod or its account, and back on only in pods that talk to the API server.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27

Cannot see: whether the program does call the Kubernetes API; one whose own account was given rights is taken to.

See: https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from leadline.kube.rbac import RBAC_KINDS
from leadline.posture.control import Inventory, Set, Violations, Workload, control


@control(
    "C-0190",
    "Ensure that Service Account Tokens are only mounted where necessary",
    problem="Token mounted without need",
    consequence="secrets",
    score=4.0,
    reference_score=5.0,
    category="Workload",
    reads=("ServiceAccount", *RBAC_KINDS),
)
def needless_token(workload: Workload, inventory: Inventory) -> Violations:
    if inventory.mounts_token(workload) and not inventory.works_with_token(workload):
        yield Set("automountServiceAccountToken", False)
