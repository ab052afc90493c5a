"""The pod runs as the ``default`` service account and mounts its token.

What is granted to one program that shares the account is granted to all, and the audit log cannot distinguish them.

Fix: give the workload a service account of its own, or switch the mount off.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - name: web
        image: nginx:1.27

Cannot see: whether the program calls the Kubernetes API.

See: https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from leadline.posture.control import Inventory, Review, Violations, Workload, control


@control(
    "L-0028",
    "Pods have a service account of their own",
    problem="Pod uses the default account",
    consequence="secrets",
    score=2.0,
    category="Workload",
    reads=("ServiceAccount",),
)
def pod_uses_default_account(workload: Workload, inventory: Inventory) -> Violations:
    if workload.service_account == "default" and inventory.mounts_token(workload):
        yield Review("serviceAccountName")
