"""Kubernetes cannot know whether the program is ready for requests.

Requests are then sent to a program that is still loading, or that has lost its database, and every rollout
drops some.

Fix: add a ``readinessProbe`` that asks what the program itself knows, cheaply and with a time limit.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        ports:
        - {containerPort: 80}

Cannot see: checks outside the cluster; whether the probe asks anything of worth.

See: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

from leadline.posture.control import YOUR_VALUE, Container, Set, Violations, control


def is_long_running(container: Container) -> bool:
    return container.is_long_running


@control(
    "C-0018",
    "Configured readiness probe",
    problem="No readiness probe",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    applies=is_long_running,
)
def missing_readiness_probe(container: Container) -> Violations:
    if not container.body.get("readinessProbe"):
        yield Set("readinessProbe", YOUR_VALUE)
