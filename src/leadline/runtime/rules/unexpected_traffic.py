"""A container connected to an address of the internet that it did not talk to while it was learned.

What is stolen leaves, and orders arrive, over a connection to an address that the program never
needed.

First:
- Look at who owns the address and which name was asked for before.
- Look at the program: a server that begins to connect is suspicious, a client seldom.
- Close egress by a NetworkPolicy: `leadline rehearse` says what one would cut.

False positives: many: content networks change their addresses. Therefore this rule is off unless you ask for it.

See: https://attack.mitre.org/techniques/T1041/
"""

from leadline.model.event import Connected
from leadline.runtime.names import is_public
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R0011",
    "Unexpected Egress Network Traffic",
    score=5,
    needs=("exec", "socket"),
    mitre=("TA0010", "T1041"),
    is_on=False,
    falco=(
        "Network Connection outside Local Subnet",
        "Unexpected UDP Traffic",
        "Interpreted procs outbound network activity",
    ),
)
def unexpected_traffic(event: Connected, actor: Actor, known: Baseline) -> str | None:
    if (
        event.direction not in ("connects", "sends")
        or not is_public(event.address)
        or known.connected(event.address)
    ):
        return None
    return f"{actor.tool} connected to {event.address} port {event.port} for the first time"
