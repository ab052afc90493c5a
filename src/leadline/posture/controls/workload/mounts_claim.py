"""The workload can read stored data.

Data of users and of the business usually lies on such volumes, so anyone who takes over the container can take
or change it.

Fix: mount the volume read-only where the program does not write, and only in the containers that need it.

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
        persistentVolumeClaim: {claimName: data}
    ---
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: data, namespace: shop}

Cannot see: objects that are not part of the target; use through environment variables.

See: https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from leadline.posture.checks.mounts import mounts_of
from leadline.posture.control import Inventory, Violations, Workload, control


@control(
    "C-0257",
    "Workload with PVC access",
    problem="Workload mounts a volume claim",
    consequence="other",
    score=1.0,
    reference_score=4.0,
    category="Workload / Storage",
    reads=("PersistentVolumeClaim",),
)
def mounts_claim(workload: Workload, inventory: Inventory) -> Violations:
    yield from mounts_of(workload, inventory, "PersistentVolumeClaim")
