"""The pod changes a kernel setting that is not kept to its own namespaces, or that the standard does not list.

Such a setting can be the whole node's: it may starve other pods, or weaken them. Which ones are safe depends on the
release of Kubernetes.

Fix: take it out, or set it on the nodes that need it.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      securityContext: {sysctls: [{name: kernel.msgmax, value: "65536"}]}
      containers:
      - name: web
        image: nginx:1.27

Cannot see: which unsafe settings the kubelets allow.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.pod_security_standards import is_at_least
from leadline.posture.control import Inventory, Remove, Violations, Workload, control, mappings, text

SAFE: tuple[tuple[int, frozenset[str]], ...] = (
    (
        0,
        frozenset(
            [
                "kernel.shm_rmid_forced",
                "net.ipv4.ip_local_port_range",
                "net.ipv4.ip_unprivileged_port_start",
                "net.ipv4.ping_group_range",
                "net.ipv4.tcp_syncookies",
            ]
        ),
    ),
    (27, frozenset(["net.ipv4.ip_local_reserved_ports"])),
    (
        29,
        frozenset(
            [
                "net.ipv4.tcp_fin_timeout",
                "net.ipv4.tcp_keepalive_intvl",
                "net.ipv4.tcp_keepalive_probes",
                "net.ipv4.tcp_keepalive_time",
            ]
        ),
    ),
    (32, frozenset(["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"])),
)
"""Minor number of the release to what is safe since then."""


@control(
    "L-0017",
    "Kernel settings within the baseline standard",
    problem="Unsafe kernel setting (sysctl)",
    consequence="node escape",
    score=5.0,
    category="Workload / Node escape",
)
def unsafe_sysctl(workload: Workload, inventory: Inventory) -> Violations:
    for i, sysctl in mappings(workload.security_context.get("sysctls")):
        name = text(sysctl.get("name"))
        if not any(name in names and is_at_least(inventory, 1, minor) for minor, names in SAFE):
            yield Remove(f"securityContext.sysctls[{i}]")
