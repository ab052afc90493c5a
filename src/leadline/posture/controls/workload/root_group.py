"""The processes of the container may be in group 0, the group of root.

A user id without a group id leaves the process in group 0 unless the image says otherwise, and that group owns most of
what an image's builder left writable.

Fix: set ``runAsGroup`` to a number above 0.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      securityContext: {runAsUser: 1000}
      containers:
      - {name: web, image: "nginx:1.27"}

Cannot see: the group that the image sets for its user.

See: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#set-the-security-context-for-a-pod
"""

from leadline.posture.checks.container_security import root_group as may_be_in_root_group
from leadline.posture.checks.container_security import runs_linux
from leadline.posture.control import Container, Violations, control


@control(
    "L-0004",
    "Containers run in a group of their own",
    problem="Container may run in group 0",
    consequence="other",
    score=2.0,
    category="Workload / Node escape",
    applies=runs_linux,
)
def root_group(container: Container) -> Violations:
    yield from may_be_in_root_group(container)
