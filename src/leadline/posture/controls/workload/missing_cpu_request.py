"""The container does not say how much processor time it needs.

Without a request the scheduler takes the container for free and packs nodes until they crawl; when the
processor is short, this container is the first to be left without.

A limit without a request passes: Kubernetes takes it for the request as well.

Fix: set ``resources.requests.cpu`` to what the container uses on an ordinary day.

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

Cannot see: a default that a LimitRange of the namespace adds when the pod is created.

See: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from leadline.posture.checks.resource_bounds import BOUND_KINDS, has_request, takes_resources
from leadline.posture.control import YOUR_VALUE, Container, Inventory, Set, Violations, control


@control(
    "C-0268",
    "Ensure CPU requests are set",
    problem="No CPU request",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Workload / Resource management",
    applies=takes_resources,
    reads=BOUND_KINDS,
)
def missing_cpu_request(container: Container, inventory: Inventory) -> Violations:
    if not has_request(container, "cpu", inventory):
        yield Set("resources.requests.cpu", YOUR_VALUE)
