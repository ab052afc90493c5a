"""What reaches into the kernel."""

from leadline.model.event import BpfLoaded, ModuleChanged, Opened, PageFaultsTaken, RawSocketMade, RingUsed
from leadline.runtime.rule import Actor, Baseline, rule

_HOOKS = (
    "/release_agent",
    "/core_pattern",
    "/uevent_helper",
    "/proc/sys/kernel/modprobe",
    "/sys/kernel/modprobe",
    "/binfmt_misc/register",
    "/sysrq-trigger",
    "/devices.allow",
    "/proc/sys/vm/panic_on_oom",
    "/panic_on_oom",
)
_LISTEN_TO_PACKETS = frozenset(
    {
        "dhclient",
        "dhcpcd",
        "udhcpc",
        "keepalived",
        "metallb",
        "speaker",
        "arping",
        "calico-node",
        "cilium-agent",
    }
)


@rule(
    "R0009",
    "eBPF Program Load",
    score=5,
    needs=("bpf",),
    mitre=("TA0005", "T1218"),
    falco=("BPF Program Not Profiled",),
    on_nodes=True,
    see="https://attack.mitre.org/techniques/T1014/",
)
def bpf_program(event: BpfLoaded, actor: Actor, known: Baseline | None) -> str | None:
    """A container loaded a BPF program into the kernel of the node.

    A BPF program sees every process of the node; rootkits are written so.

    First:
    - List the programs on the node: `bpftool prog list`, and who holds them.
    - Take CAP_BPF, CAP_SYS_ADMIN and `privileged` away from the workload.
    - Take the node out of service where it is not one of your own agents.

    False positives: network plug-ins and monitoring agents that are built on BPF, such as Cilium, Falco and this one.
    """
    # The runtime loads one for the devices of each container, before it is the container.
    if not actor.path or (known is not None and "bpf" in known.syscalls):
        return None
    return f"{actor.tool} loaded a BPF program"


@rule(
    "R1002",
    "Process tries to load a kernel module",
    score=10,
    needs=("module",),
    mitre=("TA0005", "T1547.006"),
    falco=("Linux Kernel Module Injection Detected",),
    on_nodes=True,
)
def kernel_module(event: ModuleChanged, actor: Actor) -> str | None:
    """A kernel module was loaded or removed.

    Code in the kernel is above every container, and above every agent that watches.

    First:
    - Take the node out of service and keep its disk and memory: nothing that it says can be trusted.
    - Look at the chain: which container had CAP_SYS_MODULE, and why.
    - Forbid it: drop all capabilities, no `privileged`, and `kernel.modules_disabled=1` on nodes.

    False positives: network plug-ins and drivers that load modules in an init container.
    """
    return f"{actor.tool} tried to {event.call} a kernel module"


@rule(
    "RL022",
    "Hook of the kernel written",
    score=9,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0004", "T1611"),
    falco=("Detect release_agent File Container Escapes",),
)
def kernel_hook_written(event: Opened, actor: Actor) -> str | None:
    """A file was written by which the kernel of the node runs a program of the container's choice.

    release_agent of control groups, core_pattern, modprobe's path, uevent_helper and binfmt_misc: each runs it as root on the node.

    First:
    - Take the node out of service: count it as taken over.
    - Look at what was written there, and at what ran on the node since.
    - Take `privileged`, CAP_SYS_ADMIN and mounts of /proc and /sys away from the workload.

    False positives: hardly any; installers of crash handlers on nodes.
    """
    if not event.path.endswith(_HOOKS):
        return None
    return f"{actor.tool} opened {event.path} to write it"


@rule(
    "R1030",
    "Unexpected io_uring Operation Detected",
    score=5,
    needs=("io_uring",),
    mitre=("TA0002", "T1218"),
    see="https://attack.mitre.org/techniques/T1562/",
)
def io_uring(event: RingUsed, actor: Actor, known: Baseline) -> str | None:
    """A container uses io_uring.

    What is opened and connected to through it passes no other probe: attackers hide behind it, and many escapes use its faults.

    First:
    - Look at the program: databases and some runtimes use io_uring, tools of an attacker do.
    - Forbid it: the seccomp profile RuntimeDefault of current runtimes refuses it; `kernel.io_uring_disabled=2` on nodes.
    - Look at which files and connections the process has now: `ls -l /proc/PID/fd`.

    False positives: databases and newer language runtimes; a complete profile silences them.
    """
    return (
        None
        if "io_uring_enter" in known.syscalls
        else f"{actor.tool or event.program} uses io_uring for the first time"
    )


@rule(
    "RL044",
    "Page faults handled by a process",
    score=6,
    needs=("page_fault",),
    mitre=("TA0004", "T1068"),
    falco=("Unprivileged Delegation of Page Faults Handling to a Userspace Process",),
)
def page_faults(event: PageFaultsTaken, actor: Actor, known: Baseline | None) -> str | None:
    """A process handles page faults by itself.

    Exploits of the kernel use userfaultfd to stop it at the moment they need.

    First:
    - Look at the program: an emulator, a database, or none of these.
    - Set the seccomp profile RuntimeDefault, which refuses the call.
    - Set `vm.unprivileged_userfaultfd=0` on nodes.

    False positives: virtual machines, garbage collectors of some runtimes; a complete profile silences them.
    """
    return (
        None
        if known is not None and "userfaultfd" in known.syscalls
        else f"{actor.tool} asked for page faults"
    )


@rule(
    "RL018",
    "Container listens to whole packets",
    score=5,
    needs=("raw_socket",),
    mitre=("TA0006", "T1040"),
    falco=("Packet socket created in container",),
)
def packet_socket(event: RawSocketMade, actor: Actor, known: Baseline | None) -> str | None:
    """A container listens to whole packets.

    Passwords that pass by unencrypted are read so, and answers of DNS and ARP are forged.

    First:
    - Look at the program: `tcpdump` by a person, or something that no one started.
    - Drop CAP_NET_RAW: no application needs it.
    - Use TLS within the cluster.

    False positives: ping and DHCP clients, network plug-ins, monitoring of traffic.
    """
    if (
        event.family != "packet"
        or actor.is_known_as(_LISTEN_TO_PACKETS)
        or (known is not None and "NET_RAW" in known.capabilities)
    ):
        return None
    return f"{actor.tool} opened a socket for whole packets"
