"""The controller manager hands out profiles of what it is doing.

Its ``/debug/pprof`` pages reveal the objects it works on and cost it time. They are on where the flag
is not given.

Fix: write ``--profiling=false``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-controller-manager, namespace: kube-system}
    spec:
      containers:
      - name: kube-controller-manager
        image: registry.k8s.io/kube-controller-manager:v1.34.2
        command: [kube-controller-manager, --profiling=true]

Cannot see: who reaches its port, see C-0150.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/
"""

from leadline.posture.control import ControllerManager, Violations, control


@control(
    "C-0145",
    "Ensure that the Controller Manager --profiling argument is set to false",
    problem="Controller manager profiling is on",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Control plane",
)
def controller_manager_profiling(manager: ControllerManager) -> Violations:
    if manager.is_true("profiling", default=True):
        yield manager.set_to("profiling", "false")
