"""The container does not run under the runtime's seccomp profile or one of your own.

``Unconfined`` opens every kernel call, and saying nothing means the same on most clusters.

Fix: set the type to ``RuntimeDefault``, or to ``Localhost`` with a profile that is narrower still.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        securityContext:
          seccompProfile: {type: Unconfined}

Cannot see: what a ``Localhost`` profile allows; a kubelet that applies the default profile to all.

See: https://kubernetes.io/docs/tutorials/security/seccomp/
"""

from leadline.posture.checks.container_security import runs_linux
from leadline.posture.control import Container, Review, Set, Violations, control, mapping

CONFINED = ("RuntimeDefault", "Localhost")


@control(
    "C-0210",
    "Ensure that the seccomp profile is set to docker/default in your pod definitions",
    problem="No seccomp profile",
    consequence="node escape",
    score=4.0,
    category="Workload",
    applies=runs_linux,
)
def seccomp_not_default(container: Container) -> Violations:
    workload = container.workload
    own = mapping(container.security_context.get("seccompProfile")).get("type")
    of_pod = mapping(workload.security_context.get("seccompProfile")).get("type")
    if own:
        if own not in CONFINED:
            yield Review("securityContext.seccompProfile.type")
    elif of_pod:
        if of_pod not in CONFINED:
            yield Review(f"{workload.pod_path}securityContext.seccompProfile.type", on=workload.resource.id)
    elif container.is_ephemeral:
        yield Review("securityContext")
    else:
        yield Set("securityContext.seccompProfile.type", "RuntimeDefault")
