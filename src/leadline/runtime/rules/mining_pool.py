"""A container asked for the name of a mining pool.

A miner has to fetch its work from a pool. It costs you computing time, and shows that someone else
runs programs in the container.

First:
- Look for the miner: the process of the container with the most CPU.
- Find the way in: the chain, then exposed services and vulnerabilities of the image.
- Remove the pod, replace the credentials it had, and set limits of CPU.

False positives: hardly any: filters of DNS that look names up by themselves.

See: https://attack.mitre.org/techniques/T1496/
"""

from leadline.model.event import Resolved
from leadline.runtime.names import pool_of
from leadline.runtime.rule import Actor, rule


@rule(
    "R1008",
    "Crypto Mining Domain Communication",
    score=10,
    needs=("traffic",),
    mitre=("TA0011", "T1071.004"),
    falco=("Detect outbound connections to common miner pool ports",),
    on_nodes=True,
)
def mining_pool(event: Resolved, actor: Actor) -> str | None:
    return f"{actor.tool} asked for {event.name}, a mining pool" if pool_of(event.name) else None
