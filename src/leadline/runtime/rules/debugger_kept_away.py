"""A process had itself traced, so that no debugger can attach to it.

Malware does so to be looked at by no one.

First:
- Look at the program: is it part of the image?
- Copy `/proc/PID/exe` from the node.
- Look at what else the process did.

False positives: licence checks, and debuggers that start the program that they look at (`gdb`, `strace`).

See: https://attack.mitre.org/techniques/T1622/
"""

from leadline.model.event import Traced
from leadline.runtime.rule import Actor, Baseline, rule

_DEBUGGERS = frozenset({"gdb", "strace", "ltrace", "lldb", "rr", "dlv", "perf", "proot", "fakeroot"})


@rule(
    "RL003",
    "Process lets itself be traced",
    score=3,
    needs=("exec", "ptrace"),
    mitre=("TA0005", "T1622"),
    falco=("PTRACE anti-debug attempt",),
)
def debugger_kept_away(event: Traced, actor: Actor, known: Baseline | None) -> str | None:
    if event.request or not actor.path or (known is not None and "ptrace" in known.syscalls):
        return None
    if actor.is_known_as(_DEBUGGERS) or actor.parent_tool in _DEBUGGERS:
        return None
    return f"{actor.tool} had itself traced, which keeps debuggers away"
