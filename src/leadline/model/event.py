"""What processes of containers do, one value per thing done. Made by a source of events, redacted before anything else sees it."""

from msgspec import Struct

SNAPSHOT = 1
"""It was there before the agent was started."""
COLLAPSED = 2
"""It represents many: its container did more new things in a second than are sent one by one."""
PSEUDO = 4
"""The path is the own name of a file that is in no folder, such as ``memfd:x``."""
CUT = 8
"""A part was longer than a record has room for."""
UPPER = 16
"""The file is in the container's own layer, not in its image."""
PARENT_UPPER = 32
"""The same of the program of the parent."""
INTERPRETER = 64
"""The kernel mapped it by itself, as the ELF interpreter."""
OUTGOING = 128
FIRST_PROCESS = 256
"""Process 1 of the container."""
HOST = 512
"""A process of the node, not of a container."""


class Event(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True, tag_field="event"):
    """``container`` and ``pod`` are not here: ``ns_id`` finds them."""

    at_ns: int
    """Since the node was started."""
    ns_id: int
    """Id of the mount namespace, never used twice."""
    exe_id: int
    """Id of the file of the program that did it."""
    pid: int
    parent_pid: int
    uid: int
    program: str
    """The name that the process gives itself: at most 15 bytes, and no proof of anything."""
    flags: int = 0


class Executed(Event, frozen=True, gc=False, tag="executed"):
    path: str = ""
    """The file that runs; of a script its interpreter."""
    name: str = ""
    """As it was asked for; of a script the script."""
    arguments: tuple[str, ...] = ()
    tty: str = ""
    folder: str = ""
    """That it was started in; empty where that is the root of the container or not known."""
    environment: tuple[str, ...] = ()
    """Names that were asked for; values are never kept."""
    parent_program: str = ""
    parent_exe_id: int = 0
    start_ns: int = 0
    parent_start_ns: int = 0
    net_id: int = 0
    cgroup_id: int = 0
    cgroup: str = ""
    """Name of the innermost control group."""
    parent_cgroup: str = ""


class Forked(Event, frozen=True, gc=False, tag="forked"):
    """Sent of all processes only where that is asked for, but always where ``child_ns_id`` is another namespace."""

    child_pid: int = 0
    child_ns_id: int = 0


class Exited(Event, frozen=True, gc=False, tag="exited"):
    code: int = 0
    signal: int = 0


class Opened(Event, frozen=True, gc=False, tag="opened"):
    path: str = ""
    open_flags: int = 0
    """As open(2) has them."""


class Mapped(Event, frozen=True, gc=False, tag="mapped"):
    """A file was mapped to be executed."""

    path: str = ""


class CapabilityUsed(Event, frozen=True, gc=False, tag="capability"):
    capability: str = ""
    is_allowed: bool = False
    syscall: int = -1


class Connected(Event, frozen=True, gc=False, tag="connected"):
    """``direction``: connects, sends, receives, listens, accepts."""

    direction: str = ""
    address: str = ""
    port: int = 0
    """The peer's, where the process chose it."""
    local_port: int = 0
    protocol: str = ""
    net_id: int = 0


class Resolved(Event, frozen=True, gc=False, tag="resolved"):
    """A DNS question, or its answer with ``code``."""

    name: str = ""
    type: str = ""
    code: str = ""
    addresses: tuple[str, ...] = ()
    peer: str = ""
    peer_port: int = 0


class Requested(Event, frozen=True, gc=False, tag="requested"):
    """The head of an HTTP request."""

    method: str = ""
    host: str = ""
    path: str = ""
    """Of a query the names only."""
    peer: str = ""
    port: int = 0
    """The server's."""


class TlsStarted(Event, frozen=True, gc=False, tag="tls"):
    server_name: str = ""
    peer: str = ""
    port: int = 0


class SshGreeted(Event, frozen=True, gc=False, tag="ssh"):
    software: str = ""
    peer: str = ""
    peer_port: int = 0
    local_port: int = 0


class Linked(Event, frozen=True, gc=False, tag="linked"):
    target: str = ""
    path: str = ""
    is_symbolic: bool = False


class Removed(Event, frozen=True, gc=False, tag="removed"):
    """``what``: file, folder, or ``made`` for a folder that was made."""

    what: str = ""
    path: str = ""


class Renamed(Event, frozen=True, gc=False, tag="renamed"):
    path: str = ""
    new_path: str = ""


class ModeChanged(Event, frozen=True, gc=False, tag="mode"):
    path: str = ""
    """Empty for an open file."""
    mode: int = 0


class Altered(Event, frozen=True, gc=False, tag="altered"):
    """A file was changed otherwise than by writing to it, or a socket, pipe or device was made."""

    what: str = ""
    """``owner``, ``times``, ``size``, ``attributes``, ``special`` for what was made."""
    path: str = ""
    """Its folder where the record represents many."""


class Mounted(Event, frozen=True, gc=False, tag="mounted"):
    source: str = ""
    target: str = ""
    mount_flags: int = 0


class IdentityChanged(Event, frozen=True, gc=False, tag="identity"):
    call: str = ""
    ids: tuple[int, ...] = ()


class NamespaceChanged(Event, frozen=True, gc=False, tag="namespace"):
    call: str = ""
    namespaces: tuple[str, ...] = ()


class Traced(Event, frozen=True, gc=False, tag="traced"):
    request: int = 0
    """Of ptrace(2); -1 for a write into the memory of another process."""
    target_pid: int = 0


class BpfLoaded(Event, frozen=True, gc=False, tag="bpf"):
    pass


class ModuleChanged(Event, frozen=True, gc=False, tag="module"):
    call: str = ""
    name: str = ""


class RingUsed(Event, frozen=True, gc=False, tag="ioUring"):
    operation: int = 0


class Redirected(Event, frozen=True, gc=False, tag="redirected"):
    """A connection became standard input, output or error of a process."""

    descriptor: int = 0
    address: str = ""
    """The peer's; empty for IPv6."""
    port: int = 0


class RawSocketMade(Event, frozen=True, gc=False, tag="rawSocket"):
    family: str = ""
    """IPv4, IPv6, packet, or its number."""


class PageFaultsTaken(Event, frozen=True, gc=False, tag="pageFault"):
    call_flags: int = 0
    """Of userfaultfd(2)."""


class SocketFileConnected(Event, frozen=True, gc=False, tag="socketFile"):
    path: str = ""
    """As it was asked for: the call may have failed."""


class RootChanged(Event, frozen=True, gc=False, tag="root"):
    call: str = ""
    path: str = ""


class DeviceMade(Event, frozen=True, gc=False, tag="device"):
    path: str = ""
    is_block: bool = False
    device: int = 0
    """As mknod(2) has it."""


class CallUsed(Event, frozen=True, gc=False, tag="call"):
    """A program of a container used a system call for the first time, where a rule asks about that."""

    call: str = ""


class CallLearned(Event, frozen=True, gc=False, tag="callLearned"):
    """A program of a container used a system call for the first time while that is learned: for profiles, no rule is asked."""

    call: str = ""


class PodEntered(Event, frozen=True, gc=False, tag="podEntered"):
    """Someone asked the API server for a way into a running pod. Made by the admission webhook, not by a kernel."""

    call: str = ""
    """exec, attach or portForward."""
    user: str = ""
    command: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
