"""The namespace lets in pods that share their node's memory segments.

Programs of the node that talk through shared memory could be read and disturbed from a pod.

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
    "C-0195",
    "Minimize the admission of containers wishing to share the host IPC namespace",
    problem="Namespace admits hostIPC",
    consequence="node escape",
    score=4.0,
    reference_score=5.0,
    category="Workload",
    applies=holds_applications,
)
def admits_host_ipc(namespace: Namespace) -> Violations:
    if not enforces(namespace.labels, "baseline"):
        yield Set(f"metadata.labels[{ENFORCE}]", "baseline")
