"""The namespace lets in containers that may forge packets.

``NET_RAW`` is among the default capabilities and lets a pod spoof its neighbours; only the restricted level
makes pods drop it.

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
    "C-0199",
    "Minimize the admission of containers with the NET_RAW capability",
    problem="Namespace admits NET_RAW",
    consequence="other",
    score=3.0,
    reference_score=6.0,
    category="Workload",
    applies=holds_applications,
)
def admits_net_raw(namespace: Namespace) -> Violations:
    if not enforces(namespace.labels, "restricted"):
        yield Set(f"metadata.labels[{ENFORCE}]", "restricted")
