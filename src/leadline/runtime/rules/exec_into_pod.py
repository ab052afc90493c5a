"""Someone started a command in a running pod through the API server.

Who may do so acts with the files, tokens and network of the pod, and leaves nothing in its image or
manifest.

First:
- Ask the user who is named: is it their session?
- Read what was run: the events of the container since then.
- Take the right `create pods/exec` away from those who need no shell.

False positives: every `kubectl exec` and `kubectl attach` of a person.

See: https://attack.mitre.org/techniques/T1609/
"""

from leadline.model.event import PodEntered
from leadline.runtime.names import line_of
from leadline.runtime.rule import Actor, rule


@rule("R2000", "Exec to pod", score=8, needs=("admission",), mitre=("TA0002", "T1609"))
def exec_into_pod(event: PodEntered, actor: Actor) -> str | None:
    if event.call not in ("exec", "attach"):
        return None
    return (
        f"{event.user} ran {line_of(event.command) or 'a command'}"
        if event.call == "exec"
        else f"{event.user} attached"
    )
