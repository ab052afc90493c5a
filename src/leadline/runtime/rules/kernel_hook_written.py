"""A file was written by which the kernel of the node runs a program of the container's choice.

release_agent of control groups, core_pattern, modprobe's path, uevent_helper and binfmt_misc: each runs it as root on the node.

First:
- Take the node out of service: count it as taken over.
- Look at what was written there, and at what ran on the node since.
- Take `privileged`, CAP_SYS_ADMIN and mounts of /proc and /sys away from the workload.

False positives: hardly any; installers of crash handlers on nodes.

See: https://attack.mitre.org/techniques/T1611/
"""

from leadline.model.event import Opened
from leadline.runtime.rule import Actor, rule

_FILES = (
    "/release_agent",
    "/core_pattern",
    "/uevent_helper",
    "/proc/sys/kernel/modprobe",
    "/sys/kernel/modprobe",
    "/binfmt_misc/register",
    "/sysrq-trigger",
    "/devices.allow",
    "/proc/sys/vm/panic_on_oom",
    "/panic_on_oom",
)


@rule(
    "RL022",
    "Hook of the kernel written",
    score=9,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0004", "T1611"),
    falco=("Detect release_agent File Container Escapes",),
)
def kernel_hook_written(event: Opened, actor: Actor) -> str | None:
    if not event.path.endswith(_FILES):
        return None
    return f"{actor.tool} opened {event.path} to write it"
