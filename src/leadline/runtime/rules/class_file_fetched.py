"""A Java program was sent a class file or a serialized object by another server, as Log4Shell does.

The class is run with the rights of the application: that is how Log4Shell and holes in
deserialization become code of the attacker.

First:
- Look up whether the image holds log4j-core before 2.17: `leadline scan image`.
- Look at what the program started since.
- Close egress by a NetworkPolicy: LDAP and RMI to the internet above all.

False positives: applications that load classes over the network on purpose.

See: https://nvd.nist.gov/vuln/detail/CVE-2021-44228
"""

from leadline.model.event import OUTGOING, Requested
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL055",
    "Java class fetched from elsewhere",
    score=8,
    needs=("exec", "traffic"),
    mitre=("TA0001", "T1190"),
    falco=("Java Process Class File Download",),
)
def class_file_fetched(event: Requested, actor: Actor, known: Baseline | None) -> str | None:
    if not event.flags & OUTGOING or not event.path.partition("?")[0].endswith(".class"):
        return None
    return (
        f"{actor.tool} fetched {event.path} from {event.host or event.peer}"
        if actor.tool.startswith("java")
        else None
    )
