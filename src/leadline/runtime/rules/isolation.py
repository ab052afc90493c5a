"""Ways out of the container."""

from leadline.model.event import Executed, Linked, Mounted, NamespaceChanged, Opened, SocketFileConnected
from leadline.runtime.names import RUNTIME_SOCKETS, RUNTIME_TOOLS, line_of
from leadline.runtime.rule import Actor, Baseline, rule

_PROPAGATION = 0x1C0000
"""MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE and MS_SHARED change how mounts spread, and mount nothing."""
_ENTRY_POINTS = (
    "/entrypoint.sh",
    "/docker-entrypoint.sh",
    "/entrypoint",
    "/start.sh",
    "/run.sh",
    "/init",
    "/tini",
    "/dumb-init",
)


@rule(
    "RL001",
    "Namespace of another process entered",
    score=8,
    needs=("exec", "namespace"),
    mitre=("TA0004", "T1611"),
    falco=("Change thread namespace",),
)
def namespace_entered(event: NamespaceChanged, actor: Actor, known: Baseline | None) -> str | None:
    """A process of a container entered the namespace of another process.

    `nsenter` into process 1 of the node is the whole node.

    First:
    - Look at the program and its arguments: `nsenter -t 1` is an escape.
    - Take the node out of service if it was entered.
    - Take `hostPID`, `privileged` and CAP_SYS_ADMIN away from the workload.

    False positives: network plug-ins and debuggers of nodes that do this by design.
    """
    if event.call != "setns" or not actor.path or (known is not None and "setns" in known.syscalls):
        return None
    return f"{actor.tool} entered a namespace of another process"


@rule(
    "R1006",
    "Unexpected unshare Syscall",
    score=5,
    needs=("namespace",),
    mitre=("TA0004", "T1611"),
    falco=("Change namespace privileges via unshare",),
)
def new_namespaces(event: NamespaceChanged, actor: Actor, known: Baseline | None) -> str | None:
    """A container made new namespaces for itself.

    With a user namespace a process is root within, and reaches parts of the kernel that most escapes begin with.

    First:
    - Look at the program, and at what it did after: mounts and devices above all.
    - Set the seccomp profile RuntimeDefault, which refuses the call without CAP_SYS_ADMIN.
    - Set `user.max_user_namespaces=0` on nodes that need none.

    False positives: browsers, builders of images and sandboxes; a complete profile silences them.
    """
    # A program that no container was seen to start is the runtime, on its way in.
    if event.call == "setns" or not event.namespaces or not actor.path:
        return None
    if known is not None and "unshare" in known.syscalls:
        return None
    return f"{actor.tool} made namespaces: {', '.join(event.namespaces)}"


@rule(
    "RL024",
    "File system mounted in a container",
    score=7,
    needs=("exec", "mount"),
    mitre=("TA0004", "T1611"),
    falco=("Mount Launched in Privileged Container",),
)
def mounted_in_container(event: Mounted, actor: Actor, known: Baseline | None) -> str | None:
    """A process of a container mounted a file system.

    A mount needs rights that a container should not have. With them it reaches the disks of the node,
    or hides files below another folder.

    First:
    - Look at the source: a disk of the node, a folder of it, or a control group.
    - Take the node out of service where it was one of these.
    - Take `privileged` and CAP_SYS_ADMIN away from the workload.

    False positives: storage plug-ins and builders of images; a complete profile silences them.
    """
    # A program that no container was seen to start is the runtime.
    if (
        not actor.path
        or event.mount_flags & ~0x4000 & _PROPAGATION
        or (known is not None and "mount" in known.syscalls)
    ):
        return None
    source = f"{event.source} " if event.source not in ("", "none") else ""
    return f"{actor.tool} mounted {source}at {event.target}"


@rule(
    "RL040",
    "Socket of the container runtime used",
    score=9,
    needs=("exec", "socket_file"),
    mitre=("TA0004", "T1611"),
)
def runtime_socket(event: SocketFileConnected, actor: Actor, known: Baseline | None) -> str | None:
    """A container connected to the socket of the container runtime.

    Anyone who may talk to it starts a container with the root of the node, and is root there.

    First:
    - Look at which containers were started since: `crictl ps -a`, `docker ps -a`.
    - Take the node out of service where one of them is not yours.
    - Take the hostPath volume with the socket away.

    False positives: agents that read the state of the runtime; a complete profile silences them. `ssh-agent` and others have sockets of other names.
    """
    if (
        not event.path.endswith(RUNTIME_SOCKETS)
        or not actor.path
        or (known is not None and known.ran(actor.path))
    ):
        return None
    return f"{actor.tool} connected to {event.path}"


@rule(
    "RL057",
    "Socket of the container runtime linked",
    score=7,
    needs=("exec", "link"),
    mitre=("TA0004", "T1611"),
)
def link_to_runtime_socket(event: Linked, actor: Actor) -> str | None:
    """A link to the socket of the container runtime was made.

    Under another name the socket is used where checks look for its own.

    First:
    - Look at which containers were started since: `crictl ps -a`, `docker ps -a`.
    - Take the node out of service where one of them is not yours.
    - Take the hostPath volume with the socket away.

    False positives: set-up of developers' machines.
    """
    return (
        f"{actor.tool} linked {event.path} to {event.target}"
        if event.target.endswith(RUNTIME_SOCKETS)
        else None
    )


@rule(
    "RL041",
    "Tool of a container runtime ran in a container",
    score=7,
    needs=("exec",),
    mitre=("TA0002", "T1610"),
)
def runtime_tool(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A tool of a container runtime ran within a container.

    With a socket of the runtime such a tool starts a privileged container, and through it the whole
    node belongs to the attacker.

    First:
    - Read the arguments: which container was started, with which volumes.
    - Look at which containers were started since: `crictl ps -a`, `docker ps -a`.
    - Take the hostPath volume with the socket away, and the tool out of the image.

    False positives: build jobs that have a runtime of their own; a complete profile silences them.
    """
    if known is not None and known.ran(event.path):
        return None
    is_tool = actor.tool in RUNTIME_TOOLS and "runc_cloned" not in event.path
    if is_tool or (".sock" in actor.line and any(name in actor.line for name in RUNTIME_SOCKETS)):
        return f"{line_of(event.arguments) or event.path} ran"
    return None


@rule(
    "RL049",
    "Start program of a container written",
    score=6,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0003", "T1554"),
    falco=("Modify Container Entrypoint",),
)
def entry_point_changed(event: Opened, actor: Actor) -> str | None:
    """The program that a container starts with was written in the running container.

    It runs again with each restart of the container, so the attacker returns without breaking in again.

    First:
    - Compare it with that of the image: `docker diff`.
    - Look at the chain that wrote it.
    - Start the container again from its image, and set `readOnlyRootFilesystem: true`.

    False positives: images that write their own start script.
    """
    if not event.path.endswith(_ENTRY_POINTS) or event.path.count("/") > 3:
        return None
    return f"{actor.tool} wrote {event.path}"
