"""The manifest uses an API version that Kubernetes no longer serves.

A cluster of a present version refuses it, so that the next deployment, or the restore of a backup, fails at
the worst moment; until then the objects live on under another version without any notice.

Fix: write the version that takes its place, and look through its changed fields; ``kubectl convert`` helps.

Example::

    apiVersion: batch/v1beta1
    kind: CronJob
    metadata: {name: tidy}
    spec: {schedule: "0 3 * * *"}

Cannot see: which version the target cluster has, where only files are scanned: the newest release is
assumed (``kubernetes_version``).

See: https://kubernetes.io/docs/reference/using-api/deprecation-guide/
"""

from leadline.kube.kinds import REMOVED_KINDS, removal_of
from leadline.kube.version import parse_version
from leadline.posture.control import Inventory, Resource, Review, Violations, control

KINDS = tuple(kind for kind in REMOVED_KINDS if kind != "Event")
"""Events are not deployed: programs write thousands of them, in the version that is served."""


@control(
    "L-0001",
    "Removed API version",
    problem="API version no longer served",
    consequence="availability",
    score=5.0,
    category="Workload",
    kinds=KINDS,
)
def removed_api_version(
    resource: Resource, inventory: Inventory, *, kubernetes_version: tuple[str, ...] = ("1.37",)
) -> Violations:
    removal = removal_of(resource.api_version, resource.kind)
    if removal is None:
        return
    removed = parse_version(removal.removed_in)
    served = parse_version(inventory.server_version or (kubernetes_version or ("1.37",))[0])
    if removed is not None and served is not None and served >= removed:
        yield Review("apiVersion")
