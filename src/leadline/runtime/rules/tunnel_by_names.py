"""Many or long names below one domain were asked of DNS, as data is carried out.

DNS passes most firewalls: each name carries a few bytes, each answer some back.

First:
- Look at the names: letters without sense are encoded data, and the domain's owner has it.
- Deny DNS to anything but the cluster's own resolver, and log what it is asked.
- Isolate the pod, and treat what it can read as known to others.

False positives: lists that are asked by DNS (spam, reputation), content networks with long names.

See: https://attack.mitre.org/techniques/T1048/003/
"""

import re

from leadline.model.event import OUTGOING, Resolved
from leadline.runtime.rule import Actor, Baseline, rule

_LONGEST_LABEL = 40
_LONGEST = 100
_MANY = 25
_ENCODED = re.compile(r"(?=[a-z]*\d)[a-z0-9_-]{24,}|[a-f0-9]{20,}|[a-z2-7]{32,}=*|[A-Za-z0-9+/_-]{32,}")
_OWN = (
    ".cluster.local",
    ".in-addr.arpa",
    ".ip6.arpa",
    ".svc",
    ".amazonaws.com",
    ".windows.net",
    ".googleapis.com",
    ".cloudfront.net",
    ".akamaiedge.net",
    ".azure.com",
)


@rule(
    "RL051",
    "Data carried out by DNS names",
    score=7,
    needs=("exec", "traffic"),
    mitre=("TA0010", "T1048.003"),
)
def tunnel_by_names(event: Resolved, actor: Actor, known: Baseline | None) -> str | None:
    name = event.name.rstrip(".").lower()
    if (
        not event.flags & OUTGOING
        or event.code
        or name.endswith(_OWN)
        or (known is not None and name in known.names)
    ):
        return None
    labels = name.split(".")
    domain = ".".join(labels[-2:])
    if len(labels) > 2:
        longest = max(labels[:-2], key=len)
        is_long = len(longest) >= _LONGEST_LABEL or len(name) >= _LONGEST
        if is_long or (len(longest) >= 20 and _ENCODED.fullmatch(longest)):
            return f"{actor.tool} asked for names below {domain} that look like data"
        if actor.distinct(f"names below {domain}", name) == _MANY:
            return f"{actor.tool} asked for {_MANY} names below {domain} within a minute"
    return None
