"""What one process does to another, or to itself so that no other sees it."""

from leadline.model.event import Executed, Mapped, Opened, Traced
from leadline.runtime.names import SHARED_LIBRARY_HOOKS
from leadline.runtime.rule import Actor, Baseline, rule

_DEBUGGERS = frozenset({"gdb", "strace", "ltrace", "lldb", "rr", "dlv", "perf", "proot", "fakeroot"})
_ATTACHES = frozenset({4, 5, 13, 15, 16, 0x4206, -1})
"""POKETEXT, POKEDATA, SETREGS, SETFPREGS, ATTACH, SEIZE, and a write by process_vm_writev(2)."""
_OF_PROCESSES = frozenset({"ps", "top", "htop", "pgrep", "pidof", "pkill", "systemd", "lsof", "pmap"})


@rule(
    "RL003",
    "Process lets itself be traced",
    score=3,
    needs=("exec", "ptrace"),
    mitre=("TA0005", "T1622"),
    falco=("PTRACE anti-debug attempt",),
)
def debugger_kept_away(event: Traced, actor: Actor, known: Baseline | None) -> str | None:
    """A process had itself traced, so that no debugger can attach to it.

    Malware does so to be looked at by no one.

    First:
    - Look at the program: is it part of the image?
    - Copy `/proc/PID/exe` from the node.
    - Look at what else the process did.

    False positives: licence checks, and debuggers that start the program that they look at (`gdb`, `strace`).
    """
    if event.request or not actor.path or (known is not None and "ptrace" in known.syscalls):
        return None
    if actor.is_known_as(_DEBUGGERS) or actor.parent_tool in _DEBUGGERS:
        return None
    return f"{actor.tool} had itself traced, which keeps debuggers away"


@rule(
    "R1015",
    "Malicious Ptrace Usage",
    score=5,
    needs=("ptrace",),
    mitre=("TA0005", "T1622"),
    falco=("PTRACE attached to process",),
    on_nodes=True,
    see="https://attack.mitre.org/techniques/T1055/008/",
)
def traced_process(event: Traced, actor: Actor, known: Baseline | None) -> str | None:
    """A process looked into another one, or changed it.

    With ptrace passwords are taken from memory, and code is put into programs that already run.

    First:
    - Look at the program: a debugger that a person started, or not.
    - Treat what the other process had in memory as read.
    - Drop CAP_SYS_PTRACE, and do not share process namespaces between containers.

    False positives: debuggers, tracers and crash handlers. A complete profile that has the call silences this.
    """
    if event.request not in _ATTACHES or not actor.path or (known is not None and "ptrace" in known.syscalls):
        return None
    return f"{actor.tool} attached to another process or wrote into it"


@rule(
    "R0008",
    "Read Environment Variables from procfs",
    score=5,
    needs=("exec", "open"),
    mitre=("TA0006", "T1552.001"),
    falco=("Read environment variable from /proc files",),
)
def environment_of_others(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    """A program read the environment of a process from /proc.

    Passwords and keys are handed to containers in variables.

    First:
    - Treat every credential in the variables of the container as read, and replace them.
    - Look at the chain, and at what was sent out after.
    - Mount credentials as files, readable by the one user that needs them.

    False positives: debuggers and monitoring agents that show variables.
    """
    path = event.path
    if not path.endswith("/environ") or not path.startswith("/proc/"):
        return None
    if actor.is_known_as(_OF_PROCESSES) or (known is not None and known.opened(path)):
        return None
    return f"{actor.tool} read the environment of a process from /proc"


@rule(
    "R1011",
    "ld_preload hooks technique detected",
    score=5,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0005", "T1574.006"),
    on_nodes=True,
)
def library_hook(event: Opened, actor: Actor) -> str | None:
    """A program was started with a library that goes before its own.

    LD_PRELOAD and /etc/ld.so.preload put code into every program: to hide processes, to take passwords.

    First:
    - Find the library: `/etc/ld.so.preload`, or the variable in `/proc/PID/environ`, and save it.
    - Look at which programs have it mapped: `/proc/PID/maps`.
    - Start the container again from its image; replace passwords that were typed in it.

    False positives: allocators and profilers that are loaded so (jemalloc, tcmalloc, Java agents).
    """
    if not event.path.endswith("/etc/ld.so.preload"):
        return None
    return f"{actor.tool} wrote {event.path}"


@rule(
    "RL002",
    "Library hook by a variable",
    score=5,
    needs=("exec",),
    mitre=("TA0005", "T1574.006"),
    is_on=False,
    falco=("Potential Local Privilege Escalation via Environment Variables Misuse",),
)
def library_hook_by_variable(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    """A program was started with LD_PRELOAD or a variable like it.

    The library that it names is loaded into the program and may replace any function: rootkits hide
    processes and files so, and steal passwords.

    First:
    - Find the library: the variable in `/proc/PID/environ`, and save it.
    - Look at who set it: the image, the pod or the process before.
    - Start the container again from its image.

    False positives: allocators and profilers that are loaded so. Therefore this rule is off unless you ask for it; the agent looks at the names of variables
    only while it is on, and never at values.
    """
    names = [name for name in event.environment if name in SHARED_LIBRARY_HOOKS]
    if not names or actor.tool.startswith("java") or (known is not None and known.ran(event.path)):
        return None
    return f"{event.path} was started with {', '.join(names)}"


@rule(
    "RL053",
    "Library with a back door in sshd",
    score=9,
    needs=("exec", "map"),
    mitre=("TA0001", "T1195.002"),
    falco=("Backdoored library loaded into SSHD (CVE-2024-3094)",),
    on_nodes=True,
    see="https://nvd.nist.gov/vuln/detail/CVE-2024-3094",
)
def library_in_sshd(event: Mapped, actor: Actor) -> str | None:
    """sshd loaded a library that holds the back door of CVE-2024-3094.

    The back door lets the owner of one secret key run commands as root before anyone has signed in.

    First:
    - Take the machine or container off the network.
    - Replace xz 5.6.0 and 5.6.1, every key of the machine, and what was signed in with.
    - Look at sign-ins since the library came.

    False positives: none of liblzma 5.6.0 and 5.6.1.
    """
    if not event.path.endswith(("liblzma.so.5.6.0", "liblzma.so.5.6.1")):
        return None
    return f"{actor.tool or event.program} loaded {event.path}"
