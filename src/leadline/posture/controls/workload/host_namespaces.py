"""Which namespaces of its node a pod shares."""

from typing import Any

from leadline.posture.checks.pod_security_standards import contexts_of
from leadline.posture.control import Remove, Review, Violations, Workload, control, mapping
from leadline.posture.control_families import pod_control


@control(
    "C-0041",
    "HostNetwork access",
    problem="Shares the node's network",
    consequence="node escape",
    score=7.0,
    category="Workload / Network",
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def host_network(workload: Workload) -> Violations:
    """The pod uses the network of its node as its own.

    It can listen to the node's traffic, reach services that are bound to the node's loopback address, and no
    network policy holds it back.

    Fix: take ``hostNetwork`` out and offer the port through a Service.

    Example::

        apiVersion: v1
        kind: Pod
        metadata: {name: proxy}
        spec:
          hostNetwork: true
          containers:
          - {name: proxy, image: "haproxy:3.0"}

    Cannot see: whether the pod is part of the network itself, as a CNI plugin is, and has to.
    """
    if workload.pod.get("hostNetwork") is True:
        if any(is_host_process(context) for _, context in contexts_of(workload)):
            yield Review("hostNetwork")  # the API server asks it of Windows host processes
        else:
            yield Remove("hostNetwork")


def is_host_process(context: dict[str, Any]) -> bool:
    return mapping(context.get("windowsOptions")).get("hostProcess") is True


@control(
    "C-0038",
    "Host PID/IPC privileges",
    problem="Shares the node's processes or IPC",
    consequence="node escape",
    score=7.0,
    category="Workload / Node escape",
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def host_pid_or_ipc(workload: Workload) -> Violations:
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
    """
    if workload.pod.get("hostPID") is True:
        yield Remove("hostPID")
    if workload.pod.get("hostIPC") is True:
        yield Remove("hostIPC")


@pod_control(
    "C-0275",
    "Minimize the admission of containers wishing to share the host process ID namespace",
    problem="Shares the node's processes",
    consequence="node escape",
    score=7.0,
    reference_score=5.0,
    category="Workload",
    pod=("hostPID: true",),
    namespace="",
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def host_pid(workload: Workload) -> Violations:
    """The pod uses its node's process table as its own.

    Every process of the node, its arguments and, for root, its memory and open files lie open to the container.

    Fix: take ``hostPID`` out.

    Cannot see: whether a node agent has a good reason.
    """
    if workload.pod.get("hostPID") is True:
        yield Remove("hostPID")


@pod_control(
    "C-0276",
    "Minimize the admission of containers wishing to share the host IPC namespace",
    problem="Shares the node's IPC",
    consequence="node escape",
    score=5.0,
    category="Workload",
    pod=("hostIPC: true",),
    namespace="",
    see="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
def host_ipc(workload: Workload) -> Violations:
    """The pod uses its node's shared memory and message queues as its own.

    Programs of the node that talk through shared memory can be listened to and disturbed from inside the
    container.

    Fix: take ``hostIPC`` out.

    Cannot see: whether a node agent has a good reason.
    """
    if workload.pod.get("hostIPC") is True:
        yield Remove("hostIPC")
