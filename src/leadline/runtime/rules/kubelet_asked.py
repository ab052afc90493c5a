"""A tool of a container asked the kubelet of a node.

The kubelet runs programs in every pod of its node for those who may ask it, and says what runs there.

First:
- Look up in the audit log which account holds `nodes/proxy`, and take it away.
- Require authentication at the kubelet, and close its read-only port: controls C-0069 and C-0070.
- Deny egress to port 10250 of nodes by a NetworkPolicy.

False positives: checks of nodes that are written with curl; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1613/
"""

from leadline.model.event import Connected
from leadline.runtime.names import DOWNLOADERS, INTERPRETERS, NETCATS, SHELLS
from leadline.runtime.rule import Actor, Baseline, rule

_PORTS = frozenset({10250, 10255, 10257, 10259, 2379, 2380})
"""Of the kubelet, the controller manager, the scheduler and etcd."""


@rule(
    "RL058",
    "Kubelet or control plane asked by a tool",
    score=6,
    needs=("exec", "socket"),
    tools=(*DOWNLOADERS, *NETCATS, *SHELLS, *INTERPRETERS, "openssl", "etcdctl"),
    mitre=("TA0007", "T1613"),
)
def kubelet_asked(event: Connected, actor: Actor, known: Baseline | None) -> str | None:
    if event.port not in _PORTS or event.direction != "connects" or event.address.startswith("127."):
        return None
    if known is not None and known.connected(event.address, event.port):
        return None
    return f"{actor.tool} connected to port {event.port} of {event.address}"
