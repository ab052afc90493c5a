"""A container talks to the API server that has no reason to.

A stolen token is worth something by this connection alone.

First:
- Look up in the audit log what the account did: `leadline access --used` shows which rights were used.
- Look at the chain: `curl` and `kubectl` in an application's container are hands at work.
- Close the way by a NetworkPolicy, and take the token away.

An interpreter that the pod itself is started with, such as an operator in Python, is judged once its profile is complete.

False positives: operators and controllers before their profile is complete, where they call `kubectl` or `curl`.

See: https://attack.mitre.org/techniques/T1552/007/
"""

from leadline.model.event import OUTGOING, TlsStarted
from leadline.runtime.names import DOWNLOADERS, INTERPRETERS, NETCATS, SHELLS, is_one_of
from leadline.runtime.rule import Actor, Baseline, rule

_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@rule(
    "RL007",
    "API server asked by a tool",
    score=5,
    needs=("exec", "traffic"),
    mitre=("TA0008", "T1210"),
    falco=("Contact K8S API Server From Container",),
)
def cluster_api(event: TlsStarted, actor: Actor, known: Baseline | None) -> str | None:
    is_server = event.server_name in _NAMES or event.peer in actor.cluster.api_servers
    if not is_server or not event.flags & OUTGOING or (known is not None and known.connected(event.peer)):
        return None
    tool = actor.tool
    is_tool = (
        tool in DOWNLOADERS
        or tool in NETCATS
        or tool in SHELLS
        or tool == "openssl"
        or (is_one_of(tool, INTERPRETERS) and not actor.is_of_first)
    )
    if known is None and not is_tool:
        return None
    return f"{tool} asked the API server {event.server_name or event.peer}"
