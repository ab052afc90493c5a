"""The container keeps capabilities that the restricted standard takes away.

A runtime gives a container some fourteen of root's rights. Few programs need one: opening a port below 1024 is the
only one that the standard lets them keep.

Fix: set ``capabilities: {drop: [ALL]}``, and add ``NET_BIND_SERVICE`` where a low port is opened.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        securityContext: {capabilities: {drop: [NET_RAW]}}

Cannot see: what a mutating admission webhook changes before the rule is asked.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.pod_security_standards import names_windows
from leadline.posture.control import Container, Remove, Review, Set, Violations, control, sequence


def is_for_linux(container: Container) -> bool:
    return not container.workload.is_windows and not names_windows(container.workload)


@control(
    "L-0019",
    "Capabilities within the restricted standard",
    problem="Capabilities are not dropped",
    consequence="node escape",
    score=4.0,
    category="Workload / Node escape",
    applies=is_for_linux,
)
def capabilities_not_dropped(container: Container) -> Violations:
    dropped = sequence(container.capabilities.get("drop"))
    if "ALL" not in dropped:
        place = f"securityContext.capabilities.drop[{len(dropped)}]"
        yield Review("securityContext") if container.is_ephemeral else Set(place, "ALL")
    for i, name in enumerate(sequence(container.capabilities.get("add"))):
        if name != "NET_BIND_SERVICE":
            yield Remove(f"securityContext.capabilities.add[{i}]")
