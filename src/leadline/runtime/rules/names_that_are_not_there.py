"""Many names that do not exist were asked for below one domain.

Malware makes up names by a clock, and tries them until its owner has registered one.

First:
- Look at who asked, and save its program.
- Look at which name had an answer in the end, and whether a connection followed.
- Isolate the pod by a NetworkPolicy.

False positives: search lists of resolvers, which are left out as far as they are those of clusters.

See: https://attack.mitre.org/techniques/T1568/002/
"""

from leadline.model.event import Resolved
from leadline.runtime.rule import Actor, Baseline, rule

_OWN = (".cluster.local", ".in-addr.arpa", ".ip6.arpa", ".svc", ".internal", ".local", ".lan")
_MANY = 5
_FORWARDERS = frozenset(
    {"coredns", "dnsmasq", "unbound", "named", "node-cache", "systemd-resolve", "pdns_recursor"}
)


@rule(
    "RL059", "Many names that do not exist", score=4, needs=("exec", "traffic"), mitre=("TA0011", "T1568.002")
)
def names_that_are_not_there(event: Resolved, actor: Actor, known: Baseline | None) -> str | None:
    name = event.name.rstrip(".").lower()
    if event.code != "NXDOMAIN" or name.endswith(_OWN) or (known is not None and name in known.names):
        return None
    labels = name.split(".")
    if len(labels) < 3 or actor.is_known_as(_FORWARDERS):
        return None
    domain = ".".join(labels[-2:])
    is_many = actor.distinct(f"missing below {domain}", name) == _MANY
    return (
        f"{actor.tool} asked for {_MANY} names below {domain} that do not exist, within a minute"
        if is_many
        else None
    )
