"""A tool to scan, tunnel or listen ran in a container.

After the way in an attacker looks for other services in the cluster and builds tunnels to them.
Images of applications do without these tools.

First:
- Read the arguments: what was scanned, where a tunnel leads.
- Look at the chain: a person who looks for a fault, or the application.
- Take such tools out of images, and isolate the pod by a NetworkPolicy.

False positives: debugging by a person, and health checks with nc; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1046/
"""

from leadline.model.event import Executed
from leadline.runtime.names import NETCATS, NETWORK_TOOLS, line_of
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL036",
    "Network tool ran in a container",
    score=4,
    needs=("exec",),
    tools=NETWORK_TOOLS,
    mitre=("TA0007", "T1046"),
    falco=("Launch Suspicious Network Tool in Container", "Launch Suspicious Network Tool on Host"),
    on_nodes=True,
)
def network_tool(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    tool = actor.tool
    if known is not None and known.ran(event.path):
        return None
    is_check = tool in NETCATS and any(word.startswith("-") and "z" in word for word in event.arguments[1:3])
    return None if is_check else f"{line_of(event.arguments) or event.path} ran"
