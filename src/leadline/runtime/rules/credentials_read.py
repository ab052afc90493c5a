"""Credentials of a cloud, a cluster or a node were read by a tool for any file.

These files hold keys that work from anywhere. A program of the application reads them by itself;
`cat` and `cp` read them for someone.

First:
- Replace the credentials, and look up what was done with them: the audit log of the cluster or the cloud.
- Look at the chain, and at what was sent out after.
- Take the volume away that shows them to the container.

False positives: start scripts that copy credentials.

See: https://attack.mitre.org/techniques/T1552/001/
"""

from leadline.model.event import Opened
from leadline.runtime.names import (
    CREDENTIAL_NAMES,
    INTERPRETERS,
    OF_PACKAGES,
    READERS,
    is_cloud_credential,
    is_node_credential,
    is_one_of,
)
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL028",
    "Credentials of a cloud or node read",
    score=7,
    needs=("exec", "open"),
    mitre=("TA0006", "T1552.001"),
    on_nodes=True,
)
def credentials_read(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    name = path[path.rfind("/") + 1 :]
    if name not in CREDENTIAL_NAMES and not name.endswith((".key", ".pem")):
        return None
    if not (is_cloud_credential(path) or is_node_credential(path) or path.endswith(OF_PACKAGES)):
        return None
    if known is not None and known.opened(path):
        return None
    if actor.tool not in READERS and not is_one_of(actor.tool, INTERPRETERS):
        return None
    return f"{actor.tool} opened {path}"
