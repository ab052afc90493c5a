"""The workload can read configuration that describes the systems behind it.

Addresses, user names and switches in a ConfigMap show an intruder where to go next, and now and then hold a
password.

Fix: mount only the keys that the program reads.

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
        configMap: {name: data}
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: data, namespace: shop}

Cannot see: objects that are not part of the target; use through environment variables.

See: https://kubernetes.io/docs/concepts/configuration/configmap/
"""

from leadline.posture.checks.mounts import mounts_of
from leadline.posture.control import Inventory, Violations, Workload, control


@control(
    "C-0258",
    "Workload with ConfigMap access",
    problem="Workload mounts a ConfigMap",
    consequence="other",
    score=1.0,
    reference_score=5.0,
    category="Workload",
    reads=("ConfigMap",),
)
def mounts_config_map(workload: Workload, inventory: Inventory) -> Violations:
    yield from mounts_of(workload, inventory, "ConfigMap")
