"""A container uses io_uring.

What is opened and connected to through it passes no other probe: attackers hide behind it, and many escapes use its faults.

First:
- Look at the program: databases and some runtimes use io_uring, tools of an attacker do.
- Forbid it: the seccomp profile RuntimeDefault of current runtimes refuses it; `kernel.io_uring_disabled=2` on nodes.
- Look at which files and connections the process has now: `ls -l /proc/PID/fd`.

False positives: databases and newer language runtimes; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1562/
"""

from leadline.model.event import RingUsed
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R1030", "Unexpected io_uring Operation Detected", score=5, needs=("io_uring",), mitre=("TA0002", "T1218")
)
def io_uring(event: RingUsed, actor: Actor, known: Baseline) -> str | None:
    return (
        None
        if "io_uring_enter" in known.syscalls
        else f"{actor.tool or event.program} uses io_uring for the first time"
    )
