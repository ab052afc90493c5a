"""The namespace lets in pods on their node's own network.

Such a pod slips past network policies and reaches what listens on the loopback address of the node.

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
    "C-0196",
    "Minimize the admission of containers wishing to share the host network namespace",
    problem="Namespace admits hostNetwork",
    consequence="node escape",
    score=5.0,
    category="Workload",
    applies=holds_applications,
)
def admits_host_network(namespace: Namespace) -> Violations:
    if not enforces(namespace.labels, "baseline"):
        yield Set(f"metadata.labels[{ENFORCE}]", "baseline")
