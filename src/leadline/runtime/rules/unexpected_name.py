"""A DNS name was asked for that the container did not ask for while it was learned.

Programs of an attacker call home, by a name.

First:
- Look at who asked, and whether the name is one of your providers.
- Look at which addresses it gave and whether a connection followed.
- Allow only known names by a network policy that understands them (Cilium's toFQDNs).

False positives: content networks and telemetry whose names change.

See: https://attack.mitre.org/techniques/T1071/004/
"""

from leadline.model.event import OUTGOING, Resolved
from leadline.runtime.rule import Actor, Baseline, rule

_OF_CLUSTERS = (".cluster.local", ".svc", ".local", ".in-addr.arpa", ".ip6.arpa", ".internal")


@rule(
    "R0005", "DNS Anomalies in container", score=1, needs=("exec", "traffic"), mitre=("TA0011", "T1071.004")
)
def unexpected_name(event: Resolved, actor: Actor, known: Baseline) -> str | None:
    name = event.name.rstrip(".").lower()
    if (
        not event.flags & OUTGOING
        or event.code
        or "." not in name
        or name.endswith(_OF_CLUSTERS)
        or name in known.names
    ):
        return None
    return f"{actor.tool} asked for {name} for the first time"
