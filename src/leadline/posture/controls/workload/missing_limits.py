"""The container has no limit for processor time, for memory, or for both.

What has no limit can be eaten up: one runaway or hijacked container then takes its neighbours on the node
down with it.

Fix: set both ``resources.limits.cpu`` and ``resources.limits.memory``, from what you measure under load.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        resources:
          limits: {memory: 256Mi}

Cannot see: a default that a LimitRange of the namespace adds when the pod is created.

See: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from leadline.posture.checks.resource_bounds import BOUND_KINDS, has_limit, takes_resources
from leadline.posture.control import YOUR_VALUE, Container, Inventory, Set, Violations, control


@control(
    "C-0009",
    "Resource limits",
    problem="CPU or memory limit missing",
    consequence="availability",
    score=3.0,
    reference_score=7.0,
    category="Workload",
    applies=takes_resources,
    reads=BOUND_KINDS,
)
def missing_limits(container: Container, inventory: Inventory) -> Violations:
    for resource in ("cpu", "memory"):
        if not has_limit(container, resource, inventory):
            yield Set(f"resources.limits.{resource}", YOUR_VALUE)
