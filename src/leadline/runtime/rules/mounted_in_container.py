"""A process of a container mounted a file system.

A mount needs rights that a container should not have. With them it reaches the disks of the node,
or hides files below another folder.

First:
- Look at the source: a disk of the node, a folder of it, or a control group.
- Take the node out of service where it was one of these.
- Take `privileged` and CAP_SYS_ADMIN away from the workload.

False positives: storage plug-ins and builders of images; a complete profile silences them.

See: https://attack.mitre.org/techniques/T1611/
"""

from leadline.model.event import Mounted
from leadline.runtime.rule import Actor, Baseline, rule

_PROPAGATION = 0x1C0000
"""MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE and MS_SHARED change how mounts spread, and mount nothing."""


@rule(
    "RL024",
    "File system mounted in a container",
    score=7,
    needs=("exec", "mount"),
    mitre=("TA0004", "T1611"),
    falco=("Mount Launched in Privileged Container",),
)
def mounted_in_container(event: Mounted, actor: Actor, known: Baseline | None) -> str | None:
    # A program that no container was seen to start is the runtime.
    if (
        not actor.path
        or event.mount_flags & ~0x4000 & _PROPAGATION
        or (known is not None and "mount" in known.syscalls)
    ):
        return None
    source = f"{event.source} " if event.source not in ("", "none") else ""
    return f"{actor.tool} mounted {source}at {event.target}"
