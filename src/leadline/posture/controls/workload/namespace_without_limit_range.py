"""The namespace has no LimitRange.

A container that leaves its limits out then has none, and may take all of its node. Kubernetes' own namespaces
are left out.

Fix: create a LimitRange in the namespace.

Example::

    apiVersion: v1
    kind: Namespace
    metadata: {name: shop}

Cannot see: objects of the namespace that were not read. Files are judged only where a LimitRange is beside
the namespace.

See: https://kubernetes.io/docs/concepts/policy/limit-range/
"""

from leadline.posture.checks.namespaces import holds_applications
from leadline.posture.checks.resource_bounds import has_bounds
from leadline.posture.checks.target_completeness import expect
from leadline.posture.control import Inventory, Missing, Namespace, Violations, control


@control(
    "L-0031",
    "Namespaces have a limit range",
    problem="Namespace without limit range",
    consequence="availability",
    score=1.0,
    category="Workload / Resource management",
    applies=holds_applications,
    reads=("LimitRange", "ResourceQuota"),
)
def namespace_without_limit_range(namespace: Namespace, inventory: Inventory) -> Violations:
    if not has_bounds("LimitRange", namespace.name, inventory):
        expect(namespace.resource, ("LimitRange",), inventory, namespace.name)
        yield Missing("a LimitRange in the namespace")
