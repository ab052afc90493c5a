"""A soft link to a file of passwords or rights was made.

A program with more rights that follows it reads or writes the file for the attacker.

First:
- Look where the link lies, and which program with more rights reads that folder.
- Remove the link, and look at whether the file that it leads to was changed.
- Set `readOnlyRootFilesystem: true` and take writable hostPath volumes away.

False positives: packages that are installed within the container.

See: https://attack.mitre.org/techniques/T1005/
"""

from leadline.model.event import Linked
from leadline.runtime.names import is_sensitive
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R1010",
    "Soft link created over sensitive file",
    score=5,
    needs=("link",),
    mitre=("TA0006", "T1005"),
    falco=("Create Symlink Over Sensitive Files",),
    on_nodes=True,
)
def soft_link_over_sensitive_file(event: Linked, actor: Actor, known: Baseline | None) -> str | None:
    if not event.is_symbolic or not is_sensitive(event.target):
        return None
    if known is not None and known.changed(event.path):
        return None
    return f"{actor.tool} made the soft link {event.path} to {event.target}"
