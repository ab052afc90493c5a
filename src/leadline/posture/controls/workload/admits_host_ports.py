"""The namespace lets in pods that take ports of their node.

A port of the node is open to anyone who reaches the node, past Services and often past network policies.

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
    "C-0204",
    "Minimize the admission of containers which use HostPorts",
    problem="Namespace admits host ports",
    consequence="reachable from outside",
    score=3.0,
    reference_score=4.0,
    category="Workload",
    applies=holds_applications,
)
def admits_host_ports(namespace: Namespace) -> Violations:
    if not enforces(namespace.labels, "baseline"):
        yield Set(f"metadata.labels[{ENFORCE}]", "baseline")
