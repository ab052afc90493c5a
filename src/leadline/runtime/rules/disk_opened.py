"""A process of a container opened a disk or the memory of the node.

Rights end below the file system: every file of the node can be read and written.

First:
- Take the node out of service: its disk was open to the container.
- Look at the program and what else it did.
- Take `privileged` and devices away from the workload.

False positives: storage plug-ins; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1611/
"""

import re

from leadline.model.event import Opened
from leadline.runtime.rule import Actor, Baseline, rule

_DEVICE = re.compile(
    r"(?:/.*)?/dev/(?:(?:sd|vd|xvd|hd)[a-z]{1,2}\d*|nvme\d+n\d+(?:p\d+)?|mmcblk\d+\w*|dm-\d+|mem|kmem|port|kcore)|/proc/kcore"
)


@rule(
    "RL020",
    "Disk or memory of the node opened",
    score=8,
    needs=("exec", "open"),
    mitre=("TA0004", "T1611"),
    falco=("Privileged Container Device Access",),
)
def disk_opened(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if (
        ("/dev/" not in path and path != "/proc/kcore")
        or not _DEVICE.fullmatch(path)
        or (known is not None and known.opened(path))
    ):
        return None
    return f"{actor.tool} opened {path}"
