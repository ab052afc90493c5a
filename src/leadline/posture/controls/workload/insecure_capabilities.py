"""A container is given kernel rights that reach beyond it.

Each capability is a piece of root: ``SYS_PTRACE`` reads other processes, ``NET_ADMIN`` changes routes and
firewalls, ``SYS_MODULE`` loads code into the kernel, ``BPF`` and ``PERFMON`` watch the whole node.

Fix: drop ``ALL`` and add back only what the program fails without; most need none, web servers ``NET_BIND_SERVICE``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: router}
    spec:
      containers:
      - name: router
        image: registry.example/router:7
        securityContext:
          capabilities: {add: [NET_ADMIN]}

Cannot see: capabilities that programs in the image carry as file attributes.

See: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from leadline.posture.control import Container, Remove, Review, Violations, control


@control(
    "C-0046",
    "Insecure capabilities",
    problem="Dangerous capability added",
    consequence="node escape",
    score=7.0,
    category="Workload / Node escape",
)
def insecure_capabilities(
    container: Container,
    *,
    insecure_capabilities: tuple[str, ...] = (
        "SETPCAP",
        "NET_ADMIN",
        "NET_RAW",
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_PTRACE",
        "SYS_ADMIN",
        "SYS_BOOT",
        "MAC_OVERRIDE",
        "MAC_ADMIN",
        "PERFMON",
        "ALL",
        "BPF",
    ),
) -> Violations:
    for i, capability in container.added_capabilities:
        if capability in insecure_capabilities:
            path = f"securityContext.capabilities.add[{i}]"
            yield Review(path) if container.is_ephemeral else Remove(path)
