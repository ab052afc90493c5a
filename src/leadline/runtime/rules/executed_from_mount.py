"""A program ran from a volume.

What lies in a volume was not scanned with the image, and others may write it: another pod, the node, a user.

First:
- Look at what the volume is (`kubectl get pod -o yaml`) and who else mounts it.
- Save the file, and look up its SHA-256.
- Mount volumes of data with `noexec`, or read-only.

False positives: images that keep their program in a volume, such as plug-in folders; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1059/
"""

from leadline.model.event import Executed
from leadline.runtime.rule import Actor, Baseline, rule


@rule("R1004", "Process executed from mount", score=5, needs=("exec",), mitre=("TA0002", "T1059"))
def executed_from_mount(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    mounts = actor.container.mounts
    if not mounts or (known is not None and known.ran(event.path)):
        return None
    path = event.path
    for place in mounts:
        if path.startswith(place) and path[len(place) : len(place) + 1] == "/":
            return f"{path} ran, which lies in the volume at {place}"
    return None
