"""A container connected to the socket of the container runtime.

Anyone who may talk to it starts a container with the root of the node, and is root there.

First:
- Look at which containers were started since: `crictl ps -a`, `docker ps -a`.
- Take the node out of service where one of them is not yours.
- Take the hostPath volume with the socket away.

False positives: agents that read the state of the runtime; a complete profile silences them. `ssh-agent` and others have sockets of other names.

See: https://attack.mitre.org/techniques/T1611/
"""

from leadline.model.event import SocketFileConnected
from leadline.runtime.names import RUNTIME_SOCKETS
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL040",
    "Socket of the container runtime used",
    score=9,
    needs=("exec", "socket_file"),
    mitre=("TA0004", "T1611"),
)
def runtime_socket(event: SocketFileConnected, actor: Actor, known: Baseline | None) -> str | None:
    if (
        not event.path.endswith(RUNTIME_SOCKETS)
        or not actor.path
        or (known is not None and known.ran(actor.path))
    ):
        return None
    return f"{actor.tool} connected to {event.path}"
