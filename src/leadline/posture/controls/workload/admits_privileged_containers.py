"""The namespace lets in privileged containers.

A privileged container is root on its node. Without the label any user who may create pods here may create
one.

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
    "C-0193",
    "Minimize the admission of privileged containers",
    problem="Namespace admits privileged containers",
    consequence="node escape",
    score=7.0,
    reference_score=8.0,
    category="Workload",
    applies=holds_applications,
)
def admits_privileged_containers(namespace: Namespace) -> Violations:
    if not enforces(namespace.labels, "baseline"):
        yield Set(f"metadata.labels[{ENFORCE}]", "baseline")
