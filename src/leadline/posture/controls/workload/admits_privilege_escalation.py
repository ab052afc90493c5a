"""The namespace lets in containers that may gain rights.

Set-uid programs in any image would then make root of an ordinary user.

Fix: label the namespace ``pod-security.kubernetes.io/enforce: restricted``; try it with ``warn`` in place
of ``enforce`` first.

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
    "C-0197",
    "Minimize the admission of containers with allowPrivilegeEscalation",
    problem="Namespace admits privilege escalation",
    consequence="node escape",
    score=4.0,
    reference_score=6.0,
    category="Workload",
    applies=holds_applications,
)
def admits_privilege_escalation(namespace: Namespace) -> Violations:
    if not enforces(namespace.labels, "restricted"):
        yield Set(f"metadata.labels[{ENFORCE}]", "restricted")
