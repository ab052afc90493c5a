"""An account of the container or node was added or changed.

A new account, or a new password of an old one, is a way back in. Containers have their accounts
from the image.

First:
- Look at /etc/passwd and /etc/group for what was added, above all user 0.
- Look at whether the path is one of the node.
- Build accounts into the image, and set `readOnlyRootFilesystem: true`.

False positives: start scripts that make their user, as many images do; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1136/001/
"""

from leadline.model.event import Executed
from leadline.runtime.names import ACCOUNT_TOOLS, PACKAGE_MANAGERS, line_of
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL030",
    "Account added or changed",
    score=4,
    needs=("exec",),
    tools=ACCOUNT_TOOLS,
    mitre=("TA0003", "T1136.001"),
    falco=("User mgmt binaries",),
)
def accounts_changed(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    if known is not None and known.ran(event.path):
        return None
    if any(one.path.rpartition("/")[2] in PACKAGE_MANAGERS for one in actor.above):
        return None
    return f"{line_of(event.arguments) or event.path} ran"
