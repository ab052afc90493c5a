"""No seccomp profile filters what the container asks of the kernel.

The kernel offers some 400 calls and a usual program needs a fifth of them; holes in the rest are how
containers are escaped from. Without a profile all of them are open.

Fix: set ``seccompProfile: {type: RuntimeDefault}`` on the pod.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27

Cannot see: a kubelet that applies the default profile to all (``seccompDefault``).

See: https://kubernetes.io/docs/tutorials/security/seccomp/
"""

from leadline.posture.checks.container_security import runs_linux
from leadline.posture.control import Container, Review, Set, Violations, control


@control(
    "C-0055",
    "Linux hardening",
    problem="No seccomp, AppArmor or SELinux",
    consequence="node escape",
    score=4.0,
    category="Workload / Node escape",
    applies=runs_linux,
)
def no_seccomp_profile(container: Container) -> Violations:
    if container.effective("seccompProfile"):
        return
    if container.is_ephemeral:
        yield Review("securityContext")
    else:
        yield Set("securityContext.seccompProfile.type", "RuntimeDefault")
