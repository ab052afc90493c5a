"""The namespace lets in Windows containers that run as the host.

A HostProcess container is an administrator of its Windows node.

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
    "C-0202",
    "Minimize the admission of Windows HostProcess Containers",
    problem="Namespace admits Windows host processes",
    consequence="node escape",
    score=5.0,
    reference_score=7.0,
    category="Workload",
    applies=holds_applications,
)
def admits_windows_host_process(namespace: Namespace) -> Violations:
    if not enforces(namespace.labels, "baseline"):
        yield Set(f"metadata.labels[{ENFORCE}]", "baseline")
