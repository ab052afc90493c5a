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

from leadline.posture.control import Container, Review, Set, Violations, control

NON_ROOT_ID = 1000


def runs_linux(container: Container) -> bool:
    return not container.workload.is_windows


@control("C-0013", "Non-root containers", score=6.0, category="Workload / Node escape", applies=runs_linux)
def root_user(container: Container) -> Violations:
    user_may_be_root = container.effective("runAsNonRoot") is not True and not container.effective(
        "runAsUser"
    )
    group_may_be_root = not container.effective("runAsGroup")
    if container.is_ephemeral and (user_may_be_root or group_may_be_root):
        yield Review("securityContext")
        return
    if user_may_be_root:
        if container.effective("runAsUser") == 0:
            yield _at_its_level(container, "runAsUser")
        else:
            yield Set("securityContext.runAsNonRoot", True)
    if group_may_be_root:
        yield _at_its_level(container, "runAsGroup")


def _at_its_level(container: Container, field: str) -> Set:
    """Writes the id where a 0 stands now: in the container, else in the pod; a new one goes to the container."""
    workload = container.workload
    if field not in container.security_context and workload.security_context.get(field) == 0:
        return Set(f"{workload.pod_path}securityContext.{field}", NON_ROOT_ID, on=workload.resource)
    return Set(f"securityContext.{field}", NON_ROOT_ID)
