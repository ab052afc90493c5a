"""The namespace lets in pods that see all processes of their node.

Seeing the processes of the node means reading their arguments and, as root, their memory.

Fix: label the namespace ``pod-security.kubernetes.io/enforce: baseline``; try it with ``warn`` in place of
``enforce`` first.

Example::

    apiVersion: v1
    kind: Namespace
    metadata: {name: shop}

Cannot see: other admission policies that refuse the same; a cluster-wide default in the API server's
admission configuration.

See: https://kubernetes.io/docs/concepts/security/pod-security-admission/
"""

from leadline.posture.checks.namespaces import holds_applications
from leadline.posture.checks.pod_security_labels import ENFORCE, enforces
from leadline.posture.control import Namespace, Set, Violations, control


@control(
    "C-0194",
    "Minimize the admission of containers wishing to share the host process ID namespace",
    problem="Namespace admits hostPID",
    consequence="node escape",
    score=5.0,
    category="Workload",
    applies=holds_applications,
)
def admits_host_pid(namespace: Namespace) -> Violations:
    if not enforces(namespace.labels, "baseline"):
        yield Set(f"metadata.labels[{ENFORCE}]", "baseline")
