"""The scheduler accepts TLS before version 1.2.

Older versions have weaknesses by which recorded traffic can be read.

Fix: leave ``--tls-min-version`` away, which means 1.2, or write ``VersionTLS12`` or ``VersionTLS13``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-scheduler, namespace: kube-system}
    spec:
      containers:
      - name: kube-scheduler
        image: registry.k8s.io/kube-scheduler:v1.36.3
        command: [kube-scheduler, --tls-min-version=VersionTLS10]

Cannot see: what is in front of the port.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-scheduler/
"""

from leadline.posture.control import Scheduler, Violations, control


@control(
    "L-0090",
    "TLS 1.2 at least: scheduler",
    problem="Old TLS versions: scheduler",
    consequence="other",
    score=3.0,
    category="Control plane",
)
def scheduler_old_tls(scheduler: Scheduler) -> Violations:
    version = scheduler.flag("tls-min-version")
    if version is not None and version.value not in ("VersionTLS12", "VersionTLS13", ""):
        yield scheduler.change(version, "VersionTLS12")
