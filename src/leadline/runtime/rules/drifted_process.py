"""A program ran that is not part of the image.

It lies in the container's own layer: it was downloaded, copied or compiled after the start. Attackers bring their tools that way; an image that was
scanned says nothing about them.

First:
- Save the file: `kubectl cp` or `docker cp` it, and look up its SHA-256.
- Look at the chain: which process wrote and started it, and from where it came.
- Stop the container and start it from its image; set `readOnlyRootFilesystem: true`.

False positives: images that compile or unpack programs at the start; accept those programs, or unpack them in the build.

See: https://attack.mitre.org/techniques/T1036/
"""

from leadline.model.event import PARENT_UPPER, UPPER, Executed
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R1001",
    "Drifted process executed",
    score=8,
    needs=("exec",),
    mitre=("TA0005", "T1036"),
    falco=("Drop and execute new binary in container",),
)
def drifted_process(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    if not event.flags & (UPPER | PARENT_UPPER) or (known is not None and known.ran(event.path)):
        return None
    if event.flags & UPPER:
        return f"{event.path} ran, which is not part of the image"
    return f"{event.path} was started by a program that is not part of the image"
