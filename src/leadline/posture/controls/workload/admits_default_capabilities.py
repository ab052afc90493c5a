"""The namespace lets in containers that keep their default capabilities.

Fourteen capabilities are given to every container that does not drop them, and few programs use one.

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
    "C-0201",
    "Minimize the admission of containers with capabilities assigned",
    problem="Namespace admits default capabilities",
    consequence="other",
    score=3.0,
    reference_score=5.0,
    category="Workload",
    applies=holds_applications,
)
def admits_default_capabilities(namespace: Namespace) -> Violations:
    if not enforces(namespace.labels, "restricted"):
        yield Set(f"metadata.labels[{ENFORCE}]", "restricted")
