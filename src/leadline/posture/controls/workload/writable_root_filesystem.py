"""The container can write to its own root file system.

An intruder can drop tools there, replace the program that runs, and hide what was done; a read-only root
turns most of that into an error in the log.

Fix: set ``readOnlyRootFilesystem: true`` and mount an ``emptyDir`` on each folder that the program really writes to.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "nginx:1.27"}

Cannot see: which folders the program writes to; watching it run shows them.

See: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from leadline.posture.checks.container_security import runs_linux
from leadline.posture.checks.container_security import writable_root_filesystem as may_write
from leadline.posture.control import Container, Violations, control


@control(
    "C-0017",
    "Immutable container filesystem",
    problem="Writable root filesystem",
    consequence="other",
    score=3.0,
    category="Workload / Node escape",
    applies=runs_linux,
)
def writable_root_filesystem(container: Container) -> Violations:
    yield from may_write(container)
