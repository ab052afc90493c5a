"""A link to the socket of the container runtime was made.

Under another name the socket is used where checks look for its own.

First:
- Look at which containers were started since: `crictl ps -a`, `docker ps -a`.
- Take the node out of service where one of them is not yours.
- Take the hostPath volume with the socket away.

False positives: set-up of developers' machines.

See: https://attack.mitre.org/techniques/T1611/
"""

from leadline.model.event import Linked
from leadline.runtime.names import RUNTIME_SOCKETS
from leadline.runtime.rule import Actor, rule


@rule(
    "RL057",
    "Socket of the container runtime linked",
    score=7,
    needs=("exec", "link"),
    mitre=("TA0004", "T1611"),
)
def link_to_runtime_socket(event: Linked, actor: Actor) -> str | None:
    return (
        f"{actor.tool} linked {event.path} to {event.target}"
        if event.target.endswith(RUNTIME_SOCKETS)
        else None
    )
