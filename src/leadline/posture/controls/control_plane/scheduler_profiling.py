"""The scheduler hands out profiles of its own running.

The pages under ``/debug/pprof`` help an attacker to time the scheduler and keep it busy. Profiling is on
by default. The flag counts only without ``--config``; beside such a file the field ``enableProfiling`` in
it decides.

Fix: write ``--profiling=false``, or ``enableProfiling: false`` in the file of ``--config``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-scheduler, namespace: kube-system}
    spec:
      containers:
      - name: kube-scheduler
        image: registry.k8s.io/kube-scheduler:v1.34.2
        command: [kube-scheduler, --profiling=true]

Cannot see: the file of ``--config``, which a person has to look at.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-scheduler/
"""

from leadline.posture.control import Scheduler, Violations, control


@control(
    "C-0151",
    "Ensure that the Scheduler --profiling argument is set to false",
    problem="Scheduler profiling is on",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Control plane",
)
def scheduler_profiling(scheduler: Scheduler) -> Violations:
    if scheduler.settings_file:
        yield scheduler.review(scheduler.settings_file)
    elif scheduler.is_true("profiling", default=True):
        yield scheduler.set_to("profiling", "false")
