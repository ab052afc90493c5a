"""A tool for clusters ran within a container.

Attackers use the container's own token by it: to look around, to read Secrets, to start pods.

First:
- Look up in the audit log what the pod's account did.
- Look at the chain: who started it, and whether the tool belongs to the image.
- Take rights away from the account that the workload does not need.

False positives: images whose work it is, such as deploy jobs; their complete profile silences this.

See: https://attack.mitre.org/techniques/T1609/
"""

from leadline.model.event import Executed
from leadline.runtime.names import CLUSTER_TOOLS, line_of
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R0007",
    "Workload uses Kubernetes API unexpectedly",
    score=5,
    needs=("exec",),
    tools=CLUSTER_TOOLS,
    mitre=("TA0008", "T1210"),
    falco=("Kubernetes Client Tool Launched in Container",),
)
def cluster_tool(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    if known is not None and known.ran(event.path):
        return None
    return f"{line_of(event.arguments) or event.path} ran"
