"""Several tools to look around ran one after another.

Those who get in first look at where they are: who am I, which kernel, which network, which processes.

First:
- Look at the chain: whose shell is it.
- Look at what follows: the other alerts of the container.
- Take the right `create pods/exec` away from those who need no shell.

False positives: debugging by a person through `kubectl exec`, which is left out.

See: https://attack.mitre.org/techniques/T1082/
"""

from leadline.model.event import Executed
from leadline.runtime.rule import Actor, Baseline, rule

_TOOLS = frozenset(
    {
        "id",
        "whoami",
        "uname",
        "hostname",
        "ifconfig",
        "ip",
        "netstat",
        "ss",
        "ps",
        "w",
        "who",
        "last",
        "lsb_release",
        "mount",
        "df",
        "env",
        "printenv",
        "getent",
        "capsh",
        "lscpu",
        "arp",
        "route",
        "nproc",
        "groups",
    }
)
ENOUGH = 4


@rule(
    "RL050",
    "Looking around",
    score=4,
    needs=("exec",),
    tools=_TOOLS,
    mitre=("TA0007", "T1082"),
    falco=("Basic Interactive Reconnaissance",),
)
def looking_around(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    if actor.has_entered or (known is not None and known.ran_so(event)):
        return None
    count = actor.distinct("looking around", actor.tool)
    return "four tools to look around ran within a minute" if count == ENOUGH else None
