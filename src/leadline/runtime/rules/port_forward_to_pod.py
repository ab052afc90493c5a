"""Someone opened a tunnel to a port of a running pod through the API server.

The tunnel goes past every NetworkPolicy, and reaches ports that listen for the pod itself alone.

First:
- Ask the user who is named: is it their session?
- Look at which port it was, and what answers there.
- Take the right `create pods/portforward` away from those who need none.

False positives: every `kubectl port-forward` of a person.

See: https://attack.mitre.org/techniques/T1090/
"""

from leadline.model.event import PodEntered
from leadline.runtime.rule import Actor, rule


@rule("R2001", "Port forward to pod", score=5, needs=("admission",), mitre=("TA0011", "T1090"))
def port_forward_to_pod(event: PodEntered, actor: Actor) -> str | None:
    if event.call != "portForward":
        return None
    ports = f" to port {', '.join(map(str, event.ports))}" if event.ports else ""
    return f"{event.user} opened a tunnel{ports}"
