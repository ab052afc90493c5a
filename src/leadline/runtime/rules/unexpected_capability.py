"""A capability was used that the container did not use while it was learned.

Capabilities are the parts of root. A container that needs one more than before does something else than before.

First:
- Look at the program and the system call: SYS_ADMIN, SYS_PTRACE, SYS_MODULE and NET_RAW are the ones attackers want.
- Drop what the profile does not have: `leadline harden` writes the list.
- If it is wanted, accept it in a waiver.

False positives: signals and chmod of start scripts that run seldom.

See: https://attack.mitre.org/techniques/T1068/
"""

from leadline.model.event import CapabilityUsed
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R0004",
    "Linux Capabilities Anomalies in container",
    score=1,
    needs=("exec", "capability"),
    mitre=("TA0002", "T1059"),
)
def unexpected_capability(event: CapabilityUsed, actor: Actor, known: Baseline) -> str | None:
    # What the kernel refused is not used, and is asked for all the time.
    if (
        not event.is_allowed
        or not known.knows_capabilities
        or event.capability in known.capabilities
        or not actor.path
    ):
        return None
    return f"{actor.tool} used the capability {event.capability} for the first time"
