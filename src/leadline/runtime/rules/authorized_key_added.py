"""A key was added to those that may sign in by SSH.

Who holds the key signs in whenever they want, also after the hole through which they came is
closed.

First:
- Look at which key it is, and remove it.
- Look at whether the path is one of the node: then the way in is the node's.
- Look at sign-ins since then, and at the chain.

False positives: agents of clouds that write keys on nodes, and images of SSH servers that do so when they start.

See: https://attack.mitre.org/techniques/T1098/004/
"""

from leadline.model.event import Opened
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL029",
    "Key for signing in added",
    score=7,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0003", "T1098.004"),
    falco=("Adding ssh keys to authorized_keys",),
    on_nodes=True,
)
def authorized_key_added(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if not path.endswith(("/authorized_keys", "/authorized_keys2")):
        return None
    return None if known is not None and known.opened(path) else f"{actor.tool} wrote {path}"
