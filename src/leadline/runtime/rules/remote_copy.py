"""A tool that copies files to or from other machines ran in a container.

Tools and stolen files travel so, encrypted, and look like administration.

First:
- Read the arguments: what was copied, to where.
- Treat what was copied as known to others.
- Close egress by a NetworkPolicy.

False positives: backups by rsync or scp; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1048/
"""

from leadline.model.event import Executed
from leadline.runtime.names import COPIERS, line_of
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL037",
    "Tool for remote copies ran in a container",
    score=4,
    needs=("exec",),
    tools=COPIERS,
    mitre=("TA0010", "T1048"),
    falco=("Launch Remote File Copy Tools in Container",),
)
def remote_copy(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    if known is not None and known.ran(event.path):
        return None
    return f"{line_of(event.arguments) or event.path} ran"
