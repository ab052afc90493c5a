"""The security context leaves out something that it could forbid.

The control gathers what a benchmark asks of pods and containers: no privileges, no root, no writable root
file system, no raw packets, a filter on kernel calls, labels of the kernel's access control, safe kernel
settings and groups.

Fix: set what each finding names; start with the pod level, which containers inherit.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27

Cannot see: what the image or an admission webhook adds; whether the node can do what is asked.

See: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from leadline.posture.checks.pod_context import container_context, pod_context
from leadline.posture.control import Violations, Workload, control


@control(
    "C-0211",
    "Apply Security Context to Your Pods and Containers",
    problem="Weak security context",
    consequence="node escape",
    score=6.0,
    reference_score=8.0,
    category="Workload",
)
def weak_security_context(workload: Workload) -> Violations:
    yield from pod_context(workload)
    for container in workload.containers:
        yield from container_context(container)
