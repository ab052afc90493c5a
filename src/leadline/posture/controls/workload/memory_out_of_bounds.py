"""The container has no memory request or limit, or one outside the agreed range.

A request lets the scheduler find a node with room; a limit keeps a leak from emptying that node. A value
beyond what your team has agreed on is as good as none.

Fix: set request and limit for memory; the range itself is yours to set (``memory_limit_max`` and its kin).

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        resources:
          requests: {cpu: 100m}

Cannot see: defaults that a LimitRange of the namespace adds when the pod is created.

See: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from leadline.posture.checks.resource_bounds import BOUND_KINDS, bounds_of, takes_resources
from leadline.posture.control import Container, Inventory, Violations, control


@control(
    "C-0004",
    "Resources memory limit and request",
    problem="Memory limit or request missing",
    consequence="availability",
    score=3.0,
    reference_score=8.0,
    category="Workload / Resource management",
    applies=takes_resources,
    reads=BOUND_KINDS,
)
def memory_out_of_bounds(
    container: Container,
    inventory: Inventory,
    *,
    memory_limit_max: tuple[str, ...] = (),
    memory_limit_min: tuple[str, ...] = ("0",),
    memory_request_max: tuple[str, ...] = (),
    memory_request_min: tuple[str, ...] = ("0",),
) -> Violations:
    yield from bounds_of(
        container,
        "memory",
        inventory,
        limits=(memory_limit_min, memory_limit_max),
        requests=(memory_request_min, memory_request_max),
    )
