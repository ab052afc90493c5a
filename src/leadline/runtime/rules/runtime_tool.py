"""A tool of a container runtime ran within a container.

With a socket of the runtime such a tool starts a privileged container, and through it the whole
node belongs to the attacker.

First:
- Read the arguments: which container was started, with which volumes.
- Look at which containers were started since: `crictl ps -a`, `docker ps -a`.
- Take the hostPath volume with the socket away, and the tool out of the image.

False positives: build jobs that have a runtime of their own; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1610/
"""

from leadline.model.event import Executed
from leadline.runtime.names import RUNTIME_SOCKETS, RUNTIME_TOOLS, line_of
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL041",
    "Tool of a container runtime ran in a container",
    score=7,
    needs=("exec",),
    mitre=("TA0002", "T1610"),
)
def runtime_tool(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    if known is not None and known.ran(event.path):
        return None
    is_tool = actor.tool in RUNTIME_TOOLS and "runc_cloned" not in event.path
    if is_tool or (".sock" in actor.line and any(name in actor.line for name in RUNTIME_SOCKETS)):
        return f"{line_of(event.arguments) or event.path} ran"
    return None
