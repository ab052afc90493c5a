"""A container connected to a port that mining pools use.

Miners fetch their work from pools, many of them on the same few ports, even where the pool is given
by its address.

First:
- Look at the program and its arguments, and at who owns the address.
- Look at the CPU of the container.
- Close egress by a NetworkPolicy.

False positives: applications that use port 3333 or 45700 for something else, outside of the cluster.

See: https://attack.mitre.org/techniques/T1496/
"""

from leadline.model.event import Connected
from leadline.runtime.names import POOL_PORTS, SURE_POOL_PORTS, is_public
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R1009",
    "Crypto Mining Related Port Communication",
    score=3,
    needs=("exec", "socket"),
    mitre=("TA0011", "T1071"),
    on_nodes=True,
)
def mining_port(event: Connected, actor: Actor, known: Baseline | None) -> str | None:
    port = event.port
    if port not in POOL_PORTS or event.direction != "connects" or event.protocol != "TCP":
        return None
    if port not in SURE_POOL_PORTS and not is_public(event.address):
        return None
    if known is not None and known.connected(event.address, port):
        return None
    return f"{actor.tool} connected to {event.address} port {port}, which mining pools use"
