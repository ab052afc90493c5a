"""A process in the container may gain more rights than the one that started it.

A set-uid program, or file capabilities, then turn an ordinary user into root inside the container. Kubernetes
allows it unless the manifest forbids it.

Fix: set ``allowPrivilegeEscalation: false``; only programs that really change their user, such as sudo or ping,
miss it.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        securityContext: {runAsNonRoot: true}

Cannot see: which set-uid programs the image holds.

See: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from leadline.posture.checks.container_security import privilege_escalation as may_escalate
from leadline.posture.checks.container_security import runs_linux
from leadline.posture.control import Container, Violations, control


@control(
    "C-0016",
    "Allow privilege escalation",
    problem="Privilege escalation not ruled out",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
    category="Workload / Node escape",
    applies=runs_linux,
)
def privilege_escalation(container: Container) -> Violations:
    yield from may_escalate(container)
