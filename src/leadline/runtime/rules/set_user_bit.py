"""A file was made a program that runs as its owner, no matter who starts it.

A shell with this bit gives root to every user of the container.

First:
- Remove the bit: `chmod u-s`, and look at who ran the program since.
- Look at the chain that set it.
- Set `allowPrivilegeEscalation: false`, which makes the bit worth nothing.

False positives: packages that are installed within the container.

See: https://attack.mitre.org/techniques/T1548/001/
"""

from leadline.model.event import ModeChanged
from leadline.runtime.names import PACKAGE_MANAGERS
from leadline.runtime.rule import Actor, rule


@rule(
    "RL032",
    "Set-user bit given",
    score=6,
    needs=("exec", "mode"),
    mitre=("TA0004", "T1548.001"),
    falco=("Set Setuid or Setgid bit",),
    on_nodes=True,
)
def set_user_bit(event: ModeChanged, actor: Actor) -> str | None:
    # Of a folder the bit for groups says only whom new files belong to.
    if not event.mode & 0o4000 and (event.mode & 0o2010) != 0o2010:
        return None
    if event.mode & 0o1000 or actor.is_known_as(PACKAGE_MANAGERS):
        return None
    if not event.mode & 0o4000 and actor.tool not in ("chmod", "busybox"):
        return None
    return f"{actor.tool} gave {event.path or 'an open file'} the mode {event.mode:o}"
