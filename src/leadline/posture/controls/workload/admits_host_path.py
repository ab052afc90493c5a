"""The namespace lets in pods that mount folders of their node.

The credentials of the kubelet and the sockets of the runtime are files; a mount is all it takes to have
them.

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
    "C-0203",
    "Minimize the admission of HostPath volumes",
    problem="Namespace admits hostPath volumes",
    consequence="node escape",
    score=6.0,
    category="Workload",
    applies=holds_applications,
)
def admits_host_path(namespace: Namespace) -> Violations:
    if not enforces(namespace.labels, "baseline"):
        yield Set(f"metadata.labels[{ENFORCE}]", "baseline")
