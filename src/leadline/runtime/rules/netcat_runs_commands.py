"""netcat or socat was started so that the other end runs commands here.

Everyone who is at the other end has a shell in the container, without a password.

First:
- Cut the connection: a NetworkPolicy that denies the pod's egress.
- Read what was run: the events of the container since then.
- Take netcat and socat out of the image.

False positives: health checks that are written with socat.

See: https://attack.mitre.org/techniques/T1059/
"""

from leadline.model.event import Executed
from leadline.runtime.names import NETCATS, SHELLS, line_of
from leadline.runtime.rule import Actor, rule


@rule(
    "RL010",
    "Netcat gives a shell away",
    score=8,
    needs=("exec",),
    tools=NETCATS,
    mitre=("TA0002", "T1059"),
    falco=("Netcat Remote Code Execution in Container", "Netcat/Socat Remote Code Execution on Host"),
    on_nodes=True,
)
def netcat_runs_commands(event: Executed, actor: Actor) -> str | None:
    for word in event.arguments[1:]:
        is_option = word.startswith("-") and not word.startswith("--") and ("e" in word or word.endswith("c"))
        is_long = word.startswith(("--exec", "--sh-exec", "--lua-exec"))
        is_address = word.lower().startswith(("exec:", "system:"))
        if is_option or is_long or is_address or word.rpartition("/")[2] in SHELLS:
            return f"{actor.tool} gives a program to the other end: {line_of(event.arguments)}"
    return None
