"""A privileged container keeps every capability and sees the devices of its node.

Anyone who controls the process controls the node: it can mount the node's disks, load kernel modules and
reach every other container. ``SYS_ADMIN``, or ``ALL`` capabilities, open the same door and count as well.

Fix: take the setting out, and grant the single capability or device that the program needs.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: shell}
    spec:
      containers:
      - name: shell
        image: busybox:1.36
        securityContext:
          privileged: true

Cannot see: privileges that a runtime class or an admission webhook adds later.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.container_security import privileged
from leadline.posture.control import Container, Violations, control


@control(
    "C-0057",
    "Privileged container",
    problem="Privileged container",
    consequence="node escape",
    score=9.0,
    reference_score=8.0,
    category="Workload / Node escape",
)
def privileged_container(container: Container) -> Violations:
    yield from privileged(container)
