"""The pod is for Windows nodes by its node selector, and does not say ``os: {name: windows}``.

The API server then takes it for a Linux pod: the restricted standard refuses it for lack of settings that
Windows does not have, and no check keeps Linux settings out of it.

Fix: set ``os: {name: windows}``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      nodeSelector: {kubernetes.io/os: windows}
      containers:
      - name: web
        image: nginx:1.27

Cannot see: whether the namespace enforces a standard.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.pod_security_standards import CONFINED, names_windows
from leadline.posture.control import Container, Set, Violations, Workload, control, mapping, sequence


def is_for_windows(workload: Workload) -> bool:
    return workload.is_windows


@control(
    "L-0022",
    "Windows pods name their operating system",
    problem="Windows pod without os: windows",
    consequence="other",
    score=2.0,
    category="Workload / Node escape",
    applies=is_for_windows,
)
def windows_not_named(workload: Workload) -> Violations:
    if not names_windows(workload) and not all(map(is_hardened, workload.containers)):
        yield Set("os.name", "windows")


def is_hardened(container: Container) -> bool:
    """Whether it has the settings that the restricted standard asks of Linux pods alone."""
    own = container.security_context
    added = sequence(container.capabilities.get("add"))
    return (
        own.get("allowPrivilegeEscalation") is False
        and "ALL" in sequence(container.capabilities.get("drop"))
        and all(name == "NET_BIND_SERVICE" for name in added)
        and mapping(container.effective("seccompProfile")).get("type") in CONFINED
    )
