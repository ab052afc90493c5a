"""A hard link to a file of passwords or rights was made.

Under another name the file is read or written where checks look at names alone.

First:
- Look where the link lies, and compare the file with its backup.
- Set `fs.protected_hardlinks=1` on nodes.
- Set `readOnlyRootFilesystem: true` and take writable hostPath volumes away.

False positives: backups that are made of hard links, and packages that are installed within the container.

See: https://attack.mitre.org/techniques/T1005/
"""

from leadline.model.event import Linked
from leadline.runtime.names import LOGIN_PROGRAMS, is_sensitive
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R1012",
    "Hard link created over sensitive file",
    score=5,
    needs=("link",),
    mitre=("TA0006", "T1005"),
    falco=("Create Hardlink Over Sensitive Files",),
    on_nodes=True,
)
def hard_link_over_sensitive_file(event: Linked, actor: Actor, known: Baseline | None) -> str | None:
    if event.is_symbolic or not is_sensitive(event.target) or actor.is_known_as(LOGIN_PROGRAMS):
        return None
    if known is not None and known.changed(event.path):
        return None
    return f"{actor.tool} made the hard link {event.path} to {event.target}"
