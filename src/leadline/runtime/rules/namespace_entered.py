"""A process of a container entered the namespace of another process.

`nsenter` into process 1 of the node is the whole node.

First:
- Look at the program and its arguments: `nsenter -t 1` is an escape.
- Take the node out of service if it was entered.
- Take `hostPID`, `privileged` and CAP_SYS_ADMIN away from the workload.

False positives: network plug-ins and debuggers of nodes that do this by design.

See: https://attack.mitre.org/techniques/T1611/
"""

from leadline.model.event import NamespaceChanged
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL001",
    "Namespace of another process entered",
    score=8,
    needs=("exec", "namespace"),
    mitre=("TA0004", "T1611"),
    falco=("Change thread namespace",),
)
def namespace_entered(event: NamespaceChanged, actor: Actor, known: Baseline | None) -> str | None:
    if event.call != "setns" or not actor.path or (known is not None and "setns" in known.syscalls):
        return None
    return f"{actor.tool} entered a namespace of another process"
