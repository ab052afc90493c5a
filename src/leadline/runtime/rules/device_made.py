"""A device file was made in a container.

A device file for the node's disk is the disk.

First:
- Look at its numbers: `ls -l` of the path, and which device of the node has them.
- Take the node out of service where it was opened.
- Drop CAP_MKNOD: no application needs it.

False positives: storage plug-ins, and builders of images.

See: https://attack.mitre.org/techniques/T1611/
"""

from leadline.model.event import DeviceMade
from leadline.runtime.rule import Actor, Baseline, rule


@rule("RL021", "Device file made", score=7, needs=("exec", "device"), mitre=("TA0004", "T1611"))
def device_made(event: DeviceMade, actor: Actor, known: Baseline | None) -> str | None:
    # A whiteout of an overlay is a character device 0:0.
    if not event.device or not actor.path or (known is not None and known.changed(event.path)):
        return None
    kind = "a disk" if event.is_block else "a character device"
    return f"{actor.tool} made {event.path}, {kind} ({event.device >> 8}:{event.device & 255})"
