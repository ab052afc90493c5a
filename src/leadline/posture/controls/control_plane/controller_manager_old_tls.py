"""The controller manager accepts TLS before version 1.2.

Older versions have weaknesses by which recorded traffic can be read.

Fix: leave ``--tls-min-version`` away, which means 1.2, or write ``VersionTLS12`` or ``VersionTLS13``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-controller-manager, namespace: kube-system}
    spec:
      containers:
      - name: kube-controller-manager
        image: registry.k8s.io/kube-controller-manager:v1.36.3
        command: [kube-controller-manager, --tls-min-version=VersionTLS10]

Cannot see: what is in front of the port.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/
"""

from leadline.posture.control import ControllerManager, Violations, control


@control(
    "L-0089",
    "TLS 1.2 at least: controller manager",
    problem="Old TLS versions: controller manager",
    consequence="other",
    score=3.0,
    category="Control plane",
)
def controller_manager_old_tls(controller_manager: ControllerManager) -> Violations:
    version = controller_manager.flag("tls-min-version")
    if version is not None and version.value not in ("VersionTLS12", "VersionTLS13", ""):
        yield controller_manager.change(version, "VersionTLS12")
