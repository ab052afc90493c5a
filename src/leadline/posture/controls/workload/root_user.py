"""A container may run as root, or in root's group.

Root inside a container is root to the kernel: one hole in the runtime, one file of the node mounted by
mistake, and the whole node is lost. A user id without a group id leaves the process in group 0, which
owns most of what an image's builder left writable.

Fix: build the image with a numeric ``USER``, then say so: ``runAsNonRoot: true`` and a ``runAsGroup`` above 0.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api}
    spec:
      template:
        spec:
          containers:
          - name: api
            image: registry.example/api:1.4
            securityContext:
              runAsUser: 0

Cannot see: the user that the image itself names; with ``runAsNonRoot`` the kubelet checks it at start.

See: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from leadline.posture.checks.container_security import root_user as may_be_root
from leadline.posture.checks.container_security import runs_linux
from leadline.posture.control import Container, Violations, control


@control(
    "C-0013",
    "Non-root containers",
    problem="Container may run as root",
    consequence="node escape",
    score=6.0,
    category="Workload / Node escape",
    applies=runs_linux,
)
def root_user(container: Container) -> Violations:
    yield from may_be_root(container)
