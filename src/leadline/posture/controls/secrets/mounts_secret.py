"""The workload can read a Secret.

Anyone who takes over the container takes the Secret with it. The finding is the first half of a path; it
weighs when the workload is also exposed.

Fix: mount only the keys that the program reads, in the one container that reads them.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop, labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        volumeMounts:
        - {name: v, mountPath: /v}
      volumes:
      - {name: e, emptyDir: {}}
      - name: v
        secret: {secretName: data}
    ---
    apiVersion: v1
    kind: Secret
    metadata: {name: data, namespace: shop}

Cannot see: objects that are not part of the target; use through environment variables.

See: https://kubernetes.io/docs/concepts/configuration/secret/
"""

from leadline.posture.checks.mounts import mounts_of
from leadline.posture.control import Inventory, Violations, Workload, control


@control(
    "C-0255",
    "Workload with secret access",
    problem="Workload reads a Secret",
    consequence="secrets",
    score=1.0,
    reference_score=8.0,
    category="Secrets",
    reads=("Secret",),
)
def mounts_secret(workload: Workload, inventory: Inventory) -> Violations:
    yield from mounts_of(workload, inventory, "Secret")
