"""A file in a folder that every user can write was made a program.

That is what is done with a file that was just downloaded.

First:
- Save the file, and look up its SHA-256.
- Look at what wrote it, and whether it ran.
- Mount such folders with `noexec`, or set `readOnlyRootFilesystem: true` with volumes for what is written.

False positives: installers and build tools that run in the container.

See: https://attack.mitre.org/techniques/T1222/002/
"""

from leadline.model.event import ModeChanged
from leadline.runtime.rule import Actor, Baseline, rule

_FOLDERS = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/", "/dev/mqueue/")


@rule(
    "RL033",
    "File in a shared folder made a program",
    score=4,
    needs=("exec", "mode"),
    mitre=("TA0005", "T1222.002"),
    falco=("Container Drift Detected (chmod)",),
)
def made_executable(event: ModeChanged, actor: Actor, known: Baseline | None) -> str | None:
    if not event.mode & 0o111 or event.mode & 0o1000 or not event.path.startswith(_FOLDERS):
        return None
    if actor.tool != "chmod" and not event.path.startswith("/dev/"):
        return None
    return (
        None
        if known is not None and known.changed(event.path)
        else f"{actor.tool} made {event.path} a program"
    )
