"""How the kubelet asks whether a container works."""

from leadline.posture.control import YOUR_VALUE, Container, Set, Violations
from leadline.posture.control_families import pod_control


def is_long_running(container: Container) -> bool:
    return container.is_long_running


@pod_control(
    "C-0056",
    "Configured liveness probe",
    problem="No liveness probe",
    consequence="availability",
    score=2.0,
    reference_score=4.0,
    category="Workload",
    applies=is_long_running,
    container=("ports: [{containerPort: 80}]",),
    see="https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
)
def missing_liveness_probe(container: Container) -> Violations:
    """Kubernetes cannot know whether the program still works.

    A program that hangs is then left hanging: nothing restarts it, and its Service keeps sending requests
    to it.

    Fix: add a ``livenessProbe`` that asks what the program itself knows, cheaply and with a time limit.

    Cannot see: checks outside the cluster; whether the probe asks anything of worth.
    """
    if not container.body.get("livenessProbe"):
        yield Set("livenessProbe", YOUR_VALUE)


@pod_control(
    "C-0018",
    "Configured readiness probe",
    problem="No readiness probe",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    applies=is_long_running,
    container=("ports: [{containerPort: 80}]",),
    see="https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
)
def missing_readiness_probe(container: Container) -> Violations:
    """Kubernetes cannot know whether the program is ready for requests.

    Requests are then sent to a program that is still loading, or that has lost its database, and every
    rollout drops some.

    Fix: add a ``readinessProbe`` that asks what the program itself knows, cheaply and with a time limit.

    Cannot see: checks outside the cluster; whether the probe asks anything of worth.
    """
    if not container.body.get("readinessProbe"):
        yield Set("readinessProbe", YOUR_VALUE)
