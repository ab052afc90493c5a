"""Nothing keeps this container from taking all the processor time of its node.

A busy loop, a flood of requests or a coin miner then starves every other pod there.

Fix: measure what the container needs under load and set ``resources.limits.cpu`` above it.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: worker}
    spec:
      containers:
      - name: worker
        image: registry.example/worker:3
        resources:
          requests: {cpu: 100m}

Cannot see: a default that a LimitRange of the namespace adds when the pod is created.

See: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from leadline.posture.checks.resource_bounds import BOUND_KINDS, has_limit, takes_resources
from leadline.posture.control import YOUR_VALUE, Container, Inventory, Set, Violations, control


@control(
    "C-0270",
    "Ensure CPU limits are set",
    problem="No CPU limit",
    consequence="availability",
    score=1.0,
    reference_score=8.0,
    category="Workload / Resource management",
    applies=takes_resources,
    reads=BOUND_KINDS,
)
def missing_cpu_limit(container: Container, inventory: Inventory) -> Violations:
    if not has_limit(container, "cpu", inventory):
        yield Set("resources.limits.cpu", YOUR_VALUE)
