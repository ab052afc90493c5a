"""A system call was used that the container did not use while it was learned.

Code that came from outside calls the kernel otherwise than the program does; ways out of a
container need calls that hardly any program makes.

First:
- Look the call up (`man 2 NAME`): mount, ptrace, bpf, unshare and keyctl are those of escapes.
- Look at the other alerts of the container at that time.
- Write a seccomp profile from what was learned: `leadline harden`.

False positives: code paths that run seldom, such as the end of a process. Watching calls costs each system call of the node twice its time, so this rule is
off unless you ask for it.

See: https://attack.mitre.org/techniques/T1106/
"""

from leadline.model.event import CallUsed
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R0003",
    "Syscalls Anomalies in container",
    score=1,
    needs=("exec", "syscalls"),
    mitre=("TA0002", "T1059"),
    is_on=False,
)
def unexpected_syscall(event: CallUsed, actor: Actor, known: Baseline) -> str | None:
    return (
        None if event.call in known.syscalls else f"the system call {event.call} was used for the first time"
    )
