"""The SecurityContextConstraints let pods run privileged containers on OpenShift.

Everyone who may use them starts a container with all of its node. Those that OpenShift brings along are left out.

Fix: set ``allowPrivilegedContainer: false``, and list what is needed in ``allowedCapabilities``.

Example::

    apiVersion: security.openshift.io/v1
    kind: SecurityContextConstraints
    metadata: {name: shop}
    allowPrivilegedContainer: true

Cannot see: who may use them.

See: https://docs.openshift.com/container-platform/latest/authentication/managing-security-context-constraints.html
"""

from leadline.posture.control import Resource, Set, Violations, control

OF_OPENSHIFT = frozenset({"privileged", "node-exporter"})


def is_own(constraints: Resource) -> bool:
    return constraints.name not in OF_OPENSHIFT


@control(
    "L-0056",
    "SecurityContextConstraints forbid privileged containers",
    problem="Constraints allow privileged containers",
    consequence="node escape",
    score=6.0,
    category="Workload / Node escape",
    kinds=("SecurityContextConstraints.security.openshift.io",),
    applies=is_own,
)
def constraints_allow_privileged(constraints: Resource) -> Violations:
    if constraints.body.get("allowPrivilegedContainer") is True:
        yield Set("allowPrivilegedContainer", False)
