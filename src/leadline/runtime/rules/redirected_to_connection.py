"""A connection became the input or output of a process.

That is how a reverse shell is made: what is typed at the other end is run here.

First:
- Cut the connection: a NetworkPolicy that denies the pod's egress.
- Read what was run: the events of the container since then.
- Find the way in: the process that started it, and the requests of that moment.

False positives: servers in the manner of inetd, which give each connection to a program.

See: https://attack.mitre.org/techniques/T1059/004/
"""

from leadline.model.event import Redirected
from leadline.runtime.rule import Actor, rule

_SERVERS = frozenset(
    {"inetd", "xinetd", "systemd", "tcpserver", "s6-tcpserver", "sshd", "git-daemon", "httpd"}
)


@rule(
    "RL008",
    "Input or output became a connection",
    score=8,
    needs=("redirect",),
    mitre=("TA0002", "T1059.004"),
    falco=("Redirect STDOUT/STDIN to Network Connection in Container",),
    on_nodes=True,
)
def redirected_to_connection(event: Redirected, actor: Actor) -> str | None:
    if actor.is_known_as(_SERVERS):
        return None
    peer = f"{event.address} port {event.port}" if event.address else f"port {event.port}"
    return f"{actor.tool} talks to {peer} as to a terminal"
