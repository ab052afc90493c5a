"""A tool that erases data or traces ran.

Attackers remove what shows how they came in, and some destroy data so that it is paid for.

First:
- Stop the container, and keep its disk: what was erased a moment ago can often be read.
- Look at what it did before, in the events and in the logs that were sent away.
- Restore what is missing from a backup.

False positives: jobs that wipe volumes on purpose.

See: https://attack.mitre.org/techniques/T1485/
"""

import re

from leadline.model.event import FIRST_PROCESS, Executed
from leadline.runtime.names import SHELLS, line_of
from leadline.runtime.rule import Actor, rule

_TOOLS = frozenset(
    {
        "shred",
        "wipe",
        "wipefs",
        "srm",
        "scrub",
        "nwipe",
        "blkdiscard",
        "mkfs",
        "mkfs.ext4",
        "mkfs.xfs",
        "mkfs.ext3",
        "mkfs.btrfs",
        "mke2fs",
    }
)
_LINE = re.compile(
    r"\brm\s+(?:-\S+\s+)*(?:/|/\*|--no-preserve-root\b)(?:\s|$)|\bdd\b.*\bif=/dev/(?:zero|u?random)\b.*\bof=/dev/(?:sd|vd|nvme|xvd|mapper)|"
    r"journalctl\b.*--vacuum|\bhistory\s+-c\b|unset\s+HISTFILE|HISTFILE=/dev/null|HISTSIZE=0|truncate\s+.*(?:/var/log/|history)"
)
_EMPTIED = re.compile(
    r"""(?:[;&|\n]|\s(?::|true|cat\s+/dev/null|echo(?:\s+-n)?(?:\s+(?:''|""))?))\s*>\s*/var/log/"""
)
"""Nothing is written to a log. What a command writes to one is the log."""
_TOUCH = re.compile(r"\btouch\s+(?:\S+\s+)*(?:-r|-t|-d|--reference|--date)[ =]")


@rule(
    "RL014",
    "Data or traces erased",
    score=5,
    needs=("exec",),
    tools=_TOOLS | SHELLS | {"rm", "dd", "journalctl", "truncate", "touch"},
    mitre=("TA0040", "T1485"),
    falco=("Remove Bulk Data from Disk",),
    on_nodes=True,
)
def traces_erased(event: Executed, actor: Actor) -> str | None:
    tool = actor.tool
    if tool in _TOOLS:
        return f"{line_of(event.arguments) or event.path} ran, which erases"
    line = f"{tool} {actor.line}"
    # The script of a pod may rotate its own logs.
    empties = not event.flags & FIRST_PROCESS and _EMPTIED.search(line)
    if empties or _LINE.search(line) or (tool == "touch" and _TOUCH.search(line)):
        return f"{tool} erases data or traces: {line_of(event.arguments)}"
    return None
