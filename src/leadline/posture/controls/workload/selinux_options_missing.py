"""The container runs without SELinux options in a target where others have some.

SELinux keeps a process to the files of its own label, on the node as well. Where it is in use, a container without
options gets a label from the runtime, which may be shared with others. Where no pod of the target sets any, SELinux is
taken not to be in use and nothing is reported.

Fix: set ``seLinuxOptions`` on the pod, as your other workloads do.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - {name: web, image: "nginx:1.27"}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: db, namespace: shop}
    spec:
      securityContext:
        seLinuxOptions: {level: "s0:c123,c456"}
      containers:
      - {name: db, image: "postgres:17"}

Cannot see: whether the nodes run SELinux, and the labels that the runtime chooses.

See: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#assign-selinux-labels-to-a-container
"""

from leadline.posture.checks.selinux import uses_selinux
from leadline.posture.control import WORKLOADS, Inventory, Review, Violations, Workload, control


def runs_linux(workload: Workload) -> bool:
    return not workload.is_windows


@control(
    "L-0002",
    "SELinux options are set where SELinux is in use",
    problem="No SELinux options",
    consequence="node escape",
    score=2.0,
    category="Workload / Node escape",
    applies=runs_linux,
    reads=(WORKLOADS,),
)
def selinux_options_missing(workload: Workload, inventory: Inventory) -> Violations:
    for container in workload.containers:
        if not container.effective("seLinuxOptions") and uses_selinux(inventory):
            yield Review(f"{container.place}securityContext.seLinuxOptions")
