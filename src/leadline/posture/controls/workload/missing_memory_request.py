"""The container does not say how much memory it needs.

Without a request the scheduler counts the container as nothing, so nodes fill beyond their memory, and such
pods are the first that the kubelet evicts.

A limit without a request passes: Kubernetes takes it for the request as well.

Fix: set ``resources.requests.memory`` to what the container uses on an ordinary day.

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

Cannot see: a default that a LimitRange of the namespace adds when the pod is created.

See: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from leadline.posture.checks.resource_bounds import BOUND_KINDS, has_request, takes_resources
from leadline.posture.control import YOUR_VALUE, Container, Inventory, Set, Violations, control


@control(
    "C-0269",
    "Ensure memory requests are set",
    problem="No memory request",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Workload / Resource management",
    applies=takes_resources,
    reads=BOUND_KINDS,
)
def missing_memory_request(container: Container, inventory: Inventory) -> Violations:
    if not has_request(container, "memory", inventory):
        yield Set("resources.requests.memory", YOUR_VALUE)
