"""Kubernetes cannot know whether the program still works.

A program that hangs is then left hanging: nothing restarts it, and its Service keeps sending requests to
it.

Fix: add a ``livenessProbe`` that asks what the program itself knows, cheaply and with a time limit.

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
    "C-0056",
    "Configured liveness probe",
    problem="No liveness probe",
    consequence="availability",
    score=2.0,
    reference_score=4.0,
    category="Workload",
    applies=is_long_running,
)
def missing_liveness_probe(container: Container) -> Violations:
    if not container.body.get("livenessProbe"):
        yield Set("livenessProbe", YOUR_VALUE)
