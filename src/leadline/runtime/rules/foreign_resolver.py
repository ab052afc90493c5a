"""A container asked a DNS server of the internet, past that of the cluster.

What the cluster's resolver refuses or logs is passed by.

First:
- Look at who owns the server, and which names were asked for.
- Deny DNS to anything but the cluster's own resolver by a NetworkPolicy.
- Look at the program: applications ask the resolver that they are given.

False positives: resolvers that run in pods are left out by their names; pods with `dnsPolicy: None`, which a complete profile silences.

See: https://attack.mitre.org/techniques/T1071/004/
"""

from leadline.model.event import OUTGOING, Resolved
from leadline.runtime.names import is_public
from leadline.runtime.rule import Actor, Baseline, rule

_FORWARDERS = frozenset(
    {
        "coredns",
        "dnsmasq",
        "unbound",
        "named",
        "node-cache",
        "systemd-resolve",
        "pdns_recursor",
        "kube-dns",
        "external-dns",
    }
)


@rule(
    "RL061",
    "DNS server of the internet asked",
    score=3,
    needs=("exec", "traffic"),
    mitre=("TA0011", "T1071.004"),
)
def foreign_resolver(event: Resolved, actor: Actor, known: Baseline | None) -> str | None:
    if (
        event.code
        or not event.flags & OUTGOING
        or not is_public(event.peer)
        or actor.is_known_as(_FORWARDERS)
    ):
        return None
    return (
        None
        if known is not None and known.connected(event.peer)
        else f"{actor.tool} asked {event.peer} for names"
    )
