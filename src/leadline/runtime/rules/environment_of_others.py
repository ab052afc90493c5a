"""A program read the environment of a process from /proc.

Passwords and keys are handed to containers in variables.

First:
- Treat every credential in the variables of the container as read, and replace them.
- Look at the chain, and at what was sent out after.
- Mount credentials as files, readable by the one user that needs them.

False positives: debuggers and monitoring agents that show variables.

See: https://attack.mitre.org/techniques/T1552/001/
"""

from leadline.model.event import Opened
from leadline.runtime.rule import Actor, Baseline, rule

_OF_PROCESSES = frozenset({"ps", "top", "htop", "pgrep", "pidof", "pkill", "systemd", "lsof", "pmap"})


@rule(
    "R0008",
    "Read Environment Variables from procfs",
    score=5,
    needs=("exec", "open"),
    mitre=("TA0006", "T1552.001"),
    falco=("Read environment variable from /proc files",),
)
def environment_of_others(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if not path.endswith("/environ") or not path.startswith("/proc/"):
        return None
    if actor.is_known_as(_OF_PROCESSES) or (known is not None and known.opened(path)):
        return None
    return f"{actor.tool} read the environment of a process from /proc"
