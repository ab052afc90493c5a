"""A container asked the metadata service of the cloud by a tool.

It hands out credentials of the node to anyone who asks from there.

First:
- Look up in the cloud's audit log what the node's role did since, and take its rights down.
- Require IMDSv2 with a hop limit of 1, or the workload identity of the cloud.
- Deny egress to 169.254.169.254 by a NetworkPolicy.

False positives: agents of the cloud that run in pods; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1552/005/
"""

from leadline.model.event import Connected
from leadline.runtime.names import METADATA_ADDRESSES
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL034",
    "Metadata service of the cloud asked",
    score=5,
    needs=("exec", "socket"),
    mitre=("TA0006", "T1552.005"),
    falco=(
        "Contact EC2 Instance Metadata Service From Container",
        "Contact cloud metadata service from container",
    ),
)
def metadata_service(event: Connected, actor: Actor, known: Baseline | None) -> str | None:
    if event.address not in METADATA_ADDRESSES or event.direction != "connects" or event.port == 53:
        return None
    return (
        None
        if known is not None and known.connected(event.address)
        else f"{actor.tool} asked {event.address}"
    )
