"""A tool asked DNS for text records.

A text record holds any text: commands for malware come so where nothing but DNS gets through.

First:
- Ask for the record yourself, and look at whether its text makes sense.
- Look at what ran right after.
- Deny DNS to anything but the cluster's own resolver, and log what it is asked.

False positives: checks of mail settings and of certificates by a person; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1071/004/
"""

from leadline.model.event import OUTGOING, Resolved
from leadline.runtime.names import DOWNLOADERS, INTERPRETERS, NETCATS, SHELLS
from leadline.runtime.rule import Actor, Baseline, rule

_TOOLS = ("nslookup", "dig", "host", "drill", "kdig", "getent", "resolvectl")


@rule(
    "RL060",
    "Text records asked by a tool",
    score=3,
    needs=("exec", "traffic"),
    tools=(*_TOOLS, *DOWNLOADERS, *NETCATS, *SHELLS, *INTERPRETERS),
    mitre=("TA0011", "T1071.004"),
)
def text_records(event: Resolved, actor: Actor, known: Baseline | None) -> str | None:
    name = event.name.rstrip(".").lower()
    if (
        event.type != "TXT"
        or event.code
        or not event.flags & OUTGOING
        or (known is not None and name in known.names)
    ):
        return None
    return f"{actor.tool} asked for text records of {event.name}"
