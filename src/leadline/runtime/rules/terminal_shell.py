"""A shell with a terminal was started in a container.

A person is in there, or someone who has become one.

First:
- Find who it was: the audit log, or the alert R2000 of the webhook, which names the user.
- Read what was run: the events of the container since then.
- Take the right `create pods/exec` away from those who need no shell.

False positives: every `kubectl exec -it`. Therefore this rule is off unless you ask for it.

See: https://attack.mitre.org/techniques/T1609/
"""

from leadline.model.event import Executed
from leadline.runtime.names import SHELLS
from leadline.runtime.rule import Actor, rule


@rule(
    "RL006",
    "Shell with a terminal in a container",
    score=3,
    needs=("exec",),
    tools=SHELLS,
    mitre=("TA0002", "T1609"),
    is_on=False,
    falco=("Terminal shell in container", "System user interactive"),
)
def terminal_shell(event: Executed, actor: Actor) -> str | None:
    if not event.tty:
        return None
    return f"{actor.tool} was started with a terminal, as user {event.uid}"
