"""A container speaks SSH to a port that is not that of SSH.

Tunnels and back doors do so; sessions of people seldom start in a container at all.

First:
- Look at who owns the address, and what started the session.
- Close egress by a NetworkPolicy.
- Look for keys and for changes in authorized_keys.

False positives: Git servers on other ports, bastions. A complete profile silences what was learned.

See: https://attack.mitre.org/techniques/T1021/004/
"""

from leadline.model.event import OUTGOING, SshGreeted
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R1003",
    "SSH Connection to Unexpected Destination",
    score=5,
    needs=("exec", "traffic"),
    mitre=("TA0008", "T1021.001"),
    falco=("Disallowed SSH Connection Non Standard Port",),
)
def ssh_elsewhere(event: SshGreeted, actor: Actor, known: Baseline | None) -> str | None:
    if not event.flags & OUTGOING or event.peer_port in (22, 2022) or event.local_port in (22, 2022):
        return None
    # The one that answers has a low port of its own.
    if event.local_port < 32768 or (known is not None and known.connected(event.peer)):
        return None
    return f"{actor.tool} speaks SSH to {event.peer} port {event.peer_port}"
