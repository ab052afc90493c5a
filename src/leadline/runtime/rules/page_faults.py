"""A process handles page faults by itself.

Exploits of the kernel use userfaultfd to stop it at the moment they need.

First:
- Look at the program: an emulator, a database, or none of these.
- Set the seccomp profile RuntimeDefault, which refuses the call.
- Set `vm.unprivileged_userfaultfd=0` on nodes.

False positives: virtual machines, garbage collectors of some runtimes; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1068/
"""

from leadline.model.event import PageFaultsTaken
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL044",
    "Page faults handled by a process",
    score=6,
    needs=("page_fault",),
    mitre=("TA0004", "T1068"),
    falco=("Unprivileged Delegation of Page Faults Handling to a Userspace Process",),
)
def page_faults(event: PageFaultsTaken, actor: Actor, known: Baseline | None) -> str | None:
    return (
        None
        if known is not None and "userfaultfd" in known.syscalls
        else f"{actor.tool} asked for page faults"
    )
