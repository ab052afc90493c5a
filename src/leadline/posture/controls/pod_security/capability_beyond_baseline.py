"""The container adds a capability that the baseline standard does not allow.

The standard allows those that a container runtime gives by itself. Each of the others reaches the node in some
way: its network, its clock, its kernel, other processes. Names are taken as the API server takes them: upper
case, without ``CAP_``.

Fix: take the capability out, or run the program where the node is meant to be changed.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        securityContext: {capabilities: {add: [NET_ADMIN]}}

Cannot see: what a mutating admission webhook changes before the rule is asked.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.control import Container, Remove, Violations, control, sequence

ALLOWED = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)


@control(
    "L-0011",
    "Added capabilities within the baseline standard",
    problem="Capability beyond the baseline",
    consequence="node escape",
    score=5.0,
    category="Workload / Node escape",
)
def capability_beyond_baseline(container: Container) -> Violations:
    for i, name in enumerate(sequence(container.capabilities.get("add"))):
        if not isinstance(name, str) or name not in ALLOWED:
            yield Remove(f"securityContext.capabilities.add[{i}]")
