"""The namespace has no ResourceQuota.

One namespace may then take all of the cluster: its processors, its memory, its disks, its load balancers.
Kubernetes' own namespaces are left out.

Fix: create a ResourceQuota in the namespace.

Example::

    apiVersion: v1
    kind: Namespace
    metadata: {name: shop}

Cannot see: objects of the namespace that were not read. Files are judged only where a ResourceQuota is
beside the namespace.

See: https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from leadline.posture.checks.namespaces import holds_applications
from leadline.posture.checks.resource_bounds import has_bounds
from leadline.posture.checks.target_completeness import expect
from leadline.posture.control import Inventory, Missing, Namespace, Violations, control


@control(
    "L-0032",
    "Namespaces have a resource quota",
    problem="Namespace without resource quota",
    consequence="availability",
    score=1.0,
    category="Workload / Resource management",
    applies=holds_applications,
    reads=("LimitRange", "ResourceQuota"),
)
def namespace_without_quota(namespace: Namespace, inventory: Inventory) -> Violations:
    if not has_bounds("ResourceQuota", namespace.name, inventory):
        expect(namespace.resource, ("ResourceQuota",), inventory, namespace.name)
        yield Missing("a ResourceQuota in the namespace")
