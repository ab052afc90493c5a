"""The container has no CPU request or limit, or one outside the agreed range.

The request is what the container is sure to get, the limit what it can take at most. Where one is missing
or out of the agreed range, planning the nodes is guesswork.

Fix: set request and limit for cpu; the range itself is yours to set (``cpu_limit_max`` and its kin).

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        resources:
          requests: {memory: 64Mi}

Cannot see: defaults that a LimitRange of the namespace adds when the pod is created.

See: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from leadline.posture.checks.resource_bounds import BOUND_KINDS, bounds_of, takes_resources
from leadline.posture.control import Container, Inventory, Violations, control


@control(
    "C-0050",
    "Resources CPU limit and request",
    problem="CPU limit or request missing",
    consequence="availability",
    score=2.0,
    reference_score=8.0,
    category="Workload / Resource management",
    applies=takes_resources,
    reads=BOUND_KINDS,
)
def cpu_out_of_bounds(
    container: Container,
    inventory: Inventory,
    *,
    cpu_limit_max: tuple[str, ...] = (),
    cpu_limit_min: tuple[str, ...] = ("0",),
    cpu_request_max: tuple[str, ...] = (),
    cpu_request_min: tuple[str, ...] = ("0",),
) -> Violations:
    yield from bounds_of(
        container,
        "cpu",
        inventory,
        limits=(cpu_limit_min, cpu_limit_max),
        requests=(cpu_request_min, cpu_request_max),
    )
