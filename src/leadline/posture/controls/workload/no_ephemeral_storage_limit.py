"""The container has limits, and none that keeps it from filling its node's disk with files of its own.

A full disk makes the kubelet evict pods, and not always the one that filled it. A LimitRange or ResourceQuota of the
namespace counts as well, and so does a root file system that is read-only beside empty folders of a limited size.
One without any limit is reported by C-0009.

Fix: set ``resources.limits.ephemeral-storage``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        resources: {limits: {memory: 128Mi}}

Cannot see: what the container writes.

See: https://kubernetes.io/docs/concepts/storage/ephemeral-storage/
"""

from typing import Any

from leadline.posture.checks.resource_bounds import BOUND_KINDS, has_limit, takes_resources
from leadline.posture.control import YOUR_VALUE, Container, Inventory, Set, Violations, control, mapping, text


@control(
    "L-0033",
    "Ephemeral storage is limited",
    problem="No limit on ephemeral storage",
    consequence="availability",
    score=1.0,
    category="Workload / Resource management",
    applies=takes_resources,
    reads=BOUND_KINDS,
)
def no_ephemeral_storage_limit(container: Container, inventory: Inventory) -> Violations:
    if not mapping(container.resources.get("limits")):
        return
    if fills_the_disk(container) and not has_limit(container, "ephemeral-storage", inventory):
        yield Set("resources.limits.ephemeral-storage", YOUR_VALUE)


def fills_the_disk(container: Container) -> bool:
    """Whether there is a place of the node's disk that it can write to without end."""
    if container.security_context.get("readOnlyRootFilesystem") is not True:
        return True
    volumes = container.workload.volumes_by_name
    return any(
        is_endless(volume)
        for _, mount in container.mounts
        if not mount.get("readOnly")
        for volume in volumes.get(text(mount.get("name")), ())
    )


def is_endless(volume: dict[str, Any]) -> bool:
    """Whether it lies on the node's disk without a limit of its own."""
    folder = volume.get("emptyDir")
    return isinstance(folder, dict) and not folder.get("sizeLimit") and folder.get("medium") != "Memory"
