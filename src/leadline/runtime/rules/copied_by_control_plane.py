"""Files were packed by tar so that they leave through the API server, as `kubectl cp` does.

No connection of the pod shows it: data leaves by the API server, with the rights of a person.

First:
- Find who it was: the audit log, or the alert R2000 of the webhook.
- Look at which folder was packed.
- Take the right `create pods/exec` away from those who need no shell.

False positives: every `kubectl cp`. Therefore this rule is off unless you ask for it.

See: https://attack.mitre.org/techniques/T1041/
"""

from leadline.model.event import Executed
from leadline.runtime.names import line_of
from leadline.runtime.rule import Actor, rule


@rule(
    "RL056",
    "Files copied out by the API server",
    score=4,
    needs=("exec",),
    tools=("tar",),
    mitre=("TA0010", "T1041"),
    is_on=False,
    falco=("Exfiltrating Artifacts via Kubernetes Control Plane",),
)
def copied_by_control_plane(event: Executed, actor: Actor) -> str | None:
    words = event.arguments
    if not actor.has_entered or words[1:2] not in (("cf",), ("-cf",), ("c",)) or "-" not in words:
        return None
    return f"{line_of(words)} ran, as kubectl cp does"
