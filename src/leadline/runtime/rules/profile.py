"""What the profile of a container does not have."""

from leadline.model.event import (
    COLLAPSED,
    CUT,
    OUTGOING,
    CallUsed,
    CapabilityUsed,
    Connected,
    Executed,
    Opened,
    Resolved,
)
from leadline.runtime.names import is_public, line_of
from leadline.runtime.rule import Actor, Baseline, rule

_WATCHED = (
    "/etc/", "/var/log/", "/run/", "/var/run/", "/var/spool/cron/", "/var/www/", "/var/lib/", "/opt/", "/usr/local/", "/app/",
    "/.dockerenv", "/proc/self/environ",
)  # fmt: skip
_OF_CLUSTERS = (".cluster.local", ".svc", ".local", ".in-addr.arpa", ".ip6.arpa", ".internal")


@rule("R0040", "Unexpected process arguments", score=3, needs=("exec",), mitre=("TA0002", "T1059"))
def unexpected_arguments(event: Executed, actor: Actor, known: Baseline) -> str | None:
    """A known program ran with arguments that it never had while the container was learned.

    The tools of an image are an attacker's tools too: the same shell, with other words.

    First:
    - Read the arguments, and look at who started it.
    - Compare with the profile of the container.
    - Accept the program in a waiver where its arguments vary.

    False positives: programs whose arguments hold dates or ids and that ran seldom while they were learned.
    """
    if event.flags & (COLLAPSED | CUT) or not known.ran(event.path) or known.ran_so(event):
        return None
    return f"{event.path} ran with other arguments than before: {line_of(event.arguments)}"


@rule(
    "R0004",
    "Linux Capabilities Anomalies in container",
    score=1,
    needs=("exec", "capability"),
    mitre=("TA0002", "T1059"),
    see="https://attack.mitre.org/techniques/T1068/",
)
def unexpected_capability(event: CapabilityUsed, actor: Actor, known: Baseline) -> str | None:
    """A capability was used that the container did not use while it was learned.

    Capabilities are the parts of root. A container that needs one more than before does something else than before.

    First:
    - Look at the program and the system call: SYS_ADMIN, SYS_PTRACE, SYS_MODULE and NET_RAW are the ones attackers want.
    - Drop what the profile does not have: `leadline harden` writes the list.
    - If it is wanted, accept it in a waiver.

    False positives: signals and chmod of start scripts that run seldom.
    """
    # What the kernel refused is not used, and is asked for all the time.
    if (
        not event.is_allowed
        or not known.knows_capabilities
        or event.capability in known.capabilities
        or not actor.path
    ):
        return None
    return f"{actor.tool} used the capability {event.capability} for the first time"


@rule(
    "R0002",
    "Files Access Anomalies in container",
    score=1,
    needs=("exec", "open"),
    mitre=("TA0009", "T1005"),
    is_on=False,
    falco=("Write below etc", "Write below monitored dir", "Read Shell Configuration File"),
)
def unexpected_file(event: Opened, actor: Actor, known: Baseline) -> str | None:
    """A file was opened that the container did not open while it was learned.

    An attacker who has code in a container reads what its program never needed: settings, data of
    others, passwords.

    First:
    - Look at which program opened it, and what else that program did.
    - If the path holds credentials or settings, treat them as read.
    - Accept the folder in a waiver where the application walks through it.

    False positives: many: caches, time zones, plug-ins that are loaded seldom. Therefore this rule is off unless you ask for it.
    """
    path = event.path
    if not path.startswith(_WATCHED) or "/serviceaccount/" in path or known.opened(path):
        return None
    return f"{actor.tool} opened {path} for the first time"


@rule(
    "R0005", "DNS Anomalies in container", score=1, needs=("exec", "traffic"), mitre=("TA0011", "T1071.004")
)
def unexpected_name(event: Resolved, actor: Actor, known: Baseline) -> str | None:
    """A DNS name was asked for that the container did not ask for while it was learned.

    Programs of an attacker call home, by a name.

    First:
    - Look at who asked, and whether the name is one of your providers.
    - Look at which addresses it gave and whether a connection followed.
    - Allow only known names by a network policy that understands them (Cilium's toFQDNs).

    False positives: content networks and telemetry whose names change.
    """
    name = event.name.rstrip(".").lower()
    if (
        not event.flags & OUTGOING
        or event.code
        or "." not in name
        or name.endswith(_OF_CLUSTERS)
        or name in known.names
    ):
        return None
    return f"{actor.tool} asked for {name} for the first time"


@rule("R0001", "Unexpected process launched", score=1, needs=("exec",), mitre=("TA0002", "T1059"))
def unexpected_process(event: Executed, actor: Actor, known: Baseline) -> str | None:
    """A program ran that the container did not run while it was learned.

    A container does the same few things all its life. What it starts for the first time is an operation by a person, a rare job, or an attacker.

    First:
    - Look at the chain: did a person or the container's own server start it?
    - Compare with the profile: `leadline get applicationprofiles` shows what it used to run.
    - If it is wanted, accept it in a waiver; if not, isolate the pod by a NetworkPolicy.

    False positives: jobs that run less often than the learning lasts. What enters through the runtime, such as a probe or `kubectl exec`, is left out.
    """
    return None if known.ran(event.path) else f"{event.path} ran for the first time"


@rule(
    "R0003",
    "Syscalls Anomalies in container",
    score=1,
    needs=("exec", "syscalls"),
    mitre=("TA0002", "T1059"),
    is_on=False,
    see="https://attack.mitre.org/techniques/T1106/",
)
def unexpected_syscall(event: CallUsed, actor: Actor, known: Baseline) -> str | None:
    """A system call was used that the container did not use while it was learned.

    Code that came from outside calls the kernel otherwise than the program does; ways out of a
    container need calls that hardly any program makes.

    First:
    - Look the call up (`man 2 NAME`): mount, ptrace, bpf, unshare and keyctl are those of escapes.
    - Look at the other alerts of the container at that time.
    - Write a seccomp profile from what was learned: `leadline harden`.

    False positives: code paths that run seldom, such as the end of a process. Watching calls costs each system call of the node twice its time, so this rule is
    off unless you ask for it.
    """
    return (
        None if event.call in known.syscalls else f"the system call {event.call} was used for the first time"
    )


@rule(
    "R0011",
    "Unexpected Egress Network Traffic",
    score=5,
    needs=("exec", "socket"),
    mitre=("TA0010", "T1041"),
    is_on=False,
    falco=(
        "Network Connection outside Local Subnet",
        "Unexpected UDP Traffic",
        "Interpreted procs outbound network activity",
    ),
)
def unexpected_traffic(event: Connected, actor: Actor, known: Baseline) -> str | None:
    """A container connected to an address of the internet that it did not talk to while it was learned.

    What is stolen leaves, and orders arrive, over a connection to an address that the program never
    needed.

    First:
    - Look at who owns the address and which name was asked for before.
    - Look at the program: a server that begins to connect is suspicious, a client seldom.
    - Close egress by a NetworkPolicy: `leadline rehearse` says what one would cut.

    False positives: many: content networks change their addresses. Therefore this rule is off unless you ask for it.
    """
    if (
        event.direction not in ("connects", "sends")
        or not is_public(event.address)
        or known.connected(event.address)
    ):
        return None
    return f"{actor.tool} connected to {event.address} port {event.port} for the first time"
