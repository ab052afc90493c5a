"""A plain file was made below /dev.

It is memory, it is empty after a restart, and few look there.

First:
- Save the file, and look up its SHA-256.
- Look at what wrote it, and at what reads it.
- Set `readOnlyRootFilesystem: true`.

False positives: programs that make locks and shared memory below /dev/shm are left out.

See: https://attack.mitre.org/techniques/T1036/005/
"""

from leadline.model.event import Opened
from leadline.runtime.rule import Actor, Baseline, rule

_USUAL = (
    "/dev/shm/",
    "/dev/null",
    "/dev/tty",
    "/dev/pts/",
    "/dev/mqueue/",
    "/dev/fd/",
    "/dev/std",
    "/dev/ptmx",
    "/dev/console",
    "/dev/zero",
    "/dev/full",
    "/dev/termination-log",
    "/dev/.udev",
    "/dev/random",
    "/dev/urandom",
    "/dev/disk/",
    "/dev/log",
    "/dev/net/",
    "/dev/kmsg",
)


@rule(
    "RL046",
    "File made below /dev",
    score=4,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0005", "T1036.005"),
    falco=("Create files below dev",),
)
def file_below_dev(event: Opened, actor: Actor, known: Baseline | None) -> str | None:
    path = event.path
    if not path.startswith("/dev/") or not event.open_flags & 0o100 or path.startswith(_USUAL):
        return None
    return None if known is not None and known.opened(path) else f"{actor.tool} made {path}"
