"""What is asked of the cluster, or done through it."""

from leadline.model.event import OUTGOING, Connected, Executed, PodEntered, TlsStarted
from leadline.runtime.names import (
    CLUSTER_TOOLS,
    DOWNLOADERS,
    INTERPRETERS,
    METADATA_ADDRESSES,
    NETCATS,
    SHELLS,
    is_one_of,
    line_of,
)
from leadline.runtime.rule import Actor, Baseline, rule

_API_SERVER_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
_CONTROL_PLANE_PORTS = frozenset({10250, 10255, 10257, 10259, 2379, 2380})
"""Of the kubelet, the controller manager, the scheduler and etcd."""


@rule(
    "RL007",
    "API server asked by a tool",
    score=5,
    needs=("exec", "traffic"),
    mitre=("TA0008", "T1210"),
    falco=("Contact K8S API Server From Container",),
    see="https://attack.mitre.org/techniques/T1552/007/",
)
def cluster_api(event: TlsStarted, actor: Actor, known: Baseline | None) -> str | None:
    """A container talks to the API server that has no reason to.

    A stolen token is worth something by this connection alone.

    First:
    - Look up in the audit log what the account did: `leadline access --used` shows which rights were used.
    - Look at the chain: `curl` and `kubectl` in an application's container are hands at work.
    - Close the way by a NetworkPolicy, and take the token away.

    An interpreter that the pod itself is started with, such as an operator in Python, is judged once its profile is complete.

    False positives: operators and controllers before their profile is complete, where they call `kubectl` or `curl`.
    """
    is_server = event.server_name in _API_SERVER_NAMES or event.peer in actor.cluster.api_servers
    if not is_server or not event.flags & OUTGOING or (known is not None and known.connected(event.peer)):
        return None
    tool = actor.tool
    is_tool = (
        tool in DOWNLOADERS
        or tool in NETCATS
        or tool in SHELLS
        or tool == "openssl"
        or (is_one_of(tool, INTERPRETERS) and not actor.is_of_first)
    )
    if known is None and not is_tool:
        return None
    return f"{tool} asked the API server {event.server_name or event.peer}"


@rule(
    "R0007",
    "Workload uses Kubernetes API unexpectedly",
    score=5,
    needs=("exec",),
    tools=CLUSTER_TOOLS,
    mitre=("TA0008", "T1210"),
    falco=("Kubernetes Client Tool Launched in Container",),
    see="https://attack.mitre.org/techniques/T1609/",
)
def cluster_tool(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A tool for clusters ran within a container.

    Attackers use the container's own token by it: to look around, to read Secrets, to start pods.

    First:
    - Look up in the audit log what the pod's account did.
    - Look at the chain: who started it, and whether the tool belongs to the image.
    - Take rights away from the account that the workload does not need.

    False positives: images whose work it is, such as deploy jobs; their complete profile silences this.
    """
    if known is not None and known.ran(event.path):
        return None
    return f"{line_of(event.arguments) or event.path} ran"


@rule(
    "RL058",
    "Kubelet or control plane asked by a tool",
    score=6,
    needs=("exec", "socket"),
    tools=(*DOWNLOADERS, *NETCATS, *SHELLS, *INTERPRETERS, "openssl", "etcdctl"),
    mitre=("TA0007", "T1613"),
)
def kubelet_asked(event: Connected, actor: Actor, known: Baseline | None) -> str | None:
    """A tool of a container asked the kubelet of a node.

    The kubelet runs programs in every pod of its node for those who may ask it, and says what runs there.

    First:
    - Look up in the audit log which account holds `nodes/proxy`, and take it away.
    - Require authentication at the kubelet, and close its read-only port: controls C-0069 and C-0070.
    - Deny egress to port 10250 of nodes by a NetworkPolicy.

    False positives: checks of nodes that are written with curl; a complete profile silences them.
    """
    if (
        event.port not in _CONTROL_PLANE_PORTS
        or event.direction != "connects"
        or event.address.startswith("127.")
    ):
        return None
    if known is not None and known.connected(event.address, event.port):
        return None
    return f"{actor.tool} connected to port {event.port} of {event.address}"


@rule(
    "RL034",
    "Metadata service of the cloud asked",
    score=5,
    needs=("exec", "socket"),
    mitre=("TA0006", "T1552.005"),
    falco=(
        "Contact EC2 Instance Metadata Service From Container",
        "Contact cloud metadata service from container",
    ),
)
def metadata_service(event: Connected, actor: Actor, known: Baseline | None) -> str | None:
    """A container asked the metadata service of the cloud by a tool.

    It hands out credentials of the node to anyone who asks from there.

    First:
    - Look up in the cloud's audit log what the node's role did since, and take its rights down.
    - Require IMDSv2 with a hop limit of 1, or the workload identity of the cloud.
    - Deny egress to 169.254.169.254 by a NetworkPolicy.

    False positives: agents of the cloud that run in pods; a complete profile silences them.
    """
    if event.address not in METADATA_ADDRESSES or event.direction != "connects" or event.port == 53:
        return None
    return (
        None
        if known is not None and known.connected(event.address)
        else f"{actor.tool} asked {event.address}"
    )


@rule("R2000", "Exec to pod", score=8, needs=("admission",), mitre=("TA0002", "T1609"))
def exec_into_pod(event: PodEntered, actor: Actor) -> str | None:
    """Someone started a command in a running pod through the API server.

    Who may do so acts with the files, tokens and network of the pod, and leaves nothing in its image or
    manifest.

    First:
    - Ask the user who is named: is it their session?
    - Read what was run: the events of the container since then.
    - Take the right `create pods/exec` away from those who need no shell.

    False positives: every `kubectl exec` and `kubectl attach` of a person.
    """
    if event.call not in ("exec", "attach"):
        return None
    return (
        f"{event.user} ran {line_of(event.command) or 'a command'}"
        if event.call == "exec"
        else f"{event.user} attached"
    )


@rule("R2001", "Port forward to pod", score=5, needs=("admission",), mitre=("TA0011", "T1090"))
def port_forward_to_pod(event: PodEntered, actor: Actor) -> str | None:
    """Someone opened a tunnel to a port of a running pod through the API server.

    The tunnel goes past every NetworkPolicy, and reaches ports that listen for the pod itself alone.

    First:
    - Ask the user who is named: is it their session?
    - Look at which port it was, and what answers there.
    - Take the right `create pods/portforward` away from those who need none.

    False positives: every `kubectl port-forward` of a person.
    """
    if event.call != "portForward":
        return None
    ports = f" to port {', '.join(map(str, event.ports))}" if event.ports else ""
    return f"{event.user} opened a tunnel{ports}"


@rule(
    "RL056",
    "Files copied out by the API server",
    score=4,
    needs=("exec",),
    tools=("tar",),
    mitre=("TA0010", "T1041"),
    is_on=False,
    falco=("Exfiltrating Artifacts via Kubernetes Control Plane",),
)
def copied_by_control_plane(event: Executed, actor: Actor) -> str | None:
    """Files were packed by tar so that they leave through the API server, as `kubectl cp` does.

    No connection of the pod shows it: data leaves by the API server, with the rights of a person.

    First:
    - Find who it was: the audit log, or the alert R2000 of the webhook.
    - Look at which folder was packed.
    - Take the right `create pods/exec` away from those who need no shell.

    False positives: every `kubectl cp`. Therefore this rule is off unless you ask for it.
    """
    words = event.arguments
    if not actor.has_entered or words[1:2] not in (("cf",), ("-cf",), ("c",)) or "-" not in words:
        return None
    return f"{line_of(words)} ran, as kubectl cp does"
