"""The pod shares the process table or the shared memory of its node.

With ``hostPID`` every process of the node can be seen, its environment read and, as root, its files opened
through ``/proc``; with ``hostIPC`` the shared memory of other programs lies open.

Fix: take both settings out; only monitoring agents of the node have a use for them.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: debug}
    spec:
      hostPID: true
      containers:
      - {name: shell, image: "busybox:1.36"}

Cannot see: whether a node agent has a good reason; write it down as an accepted finding.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.control import Remove, Violations, Workload, control


@control(
    "C-0038",
    "Host PID/IPC privileges",
    problem="Shares the node's processes or IPC",
    consequence="node escape",
    score=7.0,
    category="Workload / Node escape",
)
def host_pid_or_ipc(workload: Workload) -> Violations:
    if workload.pod.get("hostPID") is True:
        yield Remove("hostPID")
    if workload.pod.get("hostIPC") is True:
        yield Remove("hostIPC")
