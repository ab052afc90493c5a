"""Nothing keeps this container from taking all the memory of its node.

When memory runs out the kernel kills programs, and it does not have to be this one that dies; a leak in
one container can empty a node.

Fix: set ``resources.limits.memory`` a little above what the container uses at its busiest.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: worker}
    spec:
      containers:
      - name: worker
        image: registry.example/worker:3
        resources:
          requests: {memory: 128Mi}

Cannot see: a default that a LimitRange of the namespace adds when the pod is created.

See: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from leadline.posture.checks.resource_bounds import BOUND_KINDS, has_limit, takes_resources
from leadline.posture.control import YOUR_VALUE, Container, Inventory, Set, Violations, control


@control(
    "C-0271",
    "Ensure memory limits are set",
    problem="No memory limit",
    consequence="availability",
    score=3.0,
    reference_score=8.0,
    category="Workload / Resource management",
    applies=takes_resources,
    reads=BOUND_KINDS,
)
def missing_memory_limit(container: Container, inventory: Inventory) -> Violations:
    if not has_limit(container, "memory", inventory):
        yield Set("resources.limits.memory", YOUR_VALUE)
