"""A tool that opens the disk of a node below its file system ran in a container.

debugfs and dd on a device read and write every file of the node, whatever their rights.

First:
- Take the node out of service: its disk was open to the container.
- Look at what was read and written: the arguments and the chain.
- Take `privileged` and devices away from the workload.

False positives: storage plug-ins that format volumes.

See: https://attack.mitre.org/techniques/T1611/
"""

import re

from leadline.model.event import Executed
from leadline.runtime.names import line_of
from leadline.runtime.rule import Actor, rule

_TOOLS = frozenset({"debugfs", "xfs_db", "e2image", "dd"})
_DISK = re.compile(r"/dev/(?:sd|vd|xvd|nvme|mmcblk|dm-|mapper/|loop)")


@rule(
    "RL019",
    "Disk of the node opened by a tool",
    score=8,
    needs=("exec",),
    tools=_TOOLS,
    mitre=("TA0004", "T1611"),
    falco=("Debugfs Launched in Privileged Container",),
)
def file_system_debugger(event: Executed, actor: Actor) -> str | None:
    tool = actor.tool
    if tool != "dd" or _DISK.search(" ".join(event.arguments)):
        return f"{line_of(event.arguments) or event.path} ran, which works on a disk of the node"
    return None
