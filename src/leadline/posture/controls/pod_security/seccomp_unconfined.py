"""The pod switches seccomp off for itself or for a container.

Saying nothing leaves the choice to the node; ``Unconfined`` takes the filter on kernel calls away wherever it is on.

Fix: set the type to ``RuntimeDefault``, or to ``Localhost`` with a profile that is narrower still.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      securityContext: {seccompProfile: {type: Unconfined}}
      containers:
      - name: web
        image: nginx:1.27

Cannot see: what a profile of type ``Localhost`` holds.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.pod_security_standards import CONFINED, contexts_of
from leadline.posture.control import Set, Violations, Workload, control


@control(
    "L-0016",
    "Seccomp is not switched off",
    problem="Seccomp is switched off",
    consequence="node escape",
    score=5.0,
    category="Workload / Node escape",
)
def seccomp_unconfined(workload: Workload) -> Violations:
    for path, context in contexts_of(workload):
        profile = context.get("seccompProfile")
        if isinstance(profile, dict) and profile.get("type") not in CONFINED:
            yield Set(f"{path}.seccompProfile.type", CONFINED[0])
