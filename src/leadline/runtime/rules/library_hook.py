"""A program was started with a library that goes before its own.

LD_PRELOAD and /etc/ld.so.preload put code into every program: to hide processes, to take passwords.

First:
- Find the library: `/etc/ld.so.preload`, or the variable in `/proc/PID/environ`, and save it.
- Look at which programs have it mapped: `/proc/PID/maps`.
- Start the container again from its image; replace passwords that were typed in it.

False positives: allocators and profilers that are loaded so (jemalloc, tcmalloc, Java agents).

See: https://attack.mitre.org/techniques/T1574/006/
"""

from leadline.model.event import Opened
from leadline.runtime.rule import Actor, rule


@rule(
    "R1011",
    "ld_preload hooks technique detected",
    score=5,
    needs=("exec", "open"),
    is_about_writing=True,
    mitre=("TA0005", "T1574.006"),
    on_nodes=True,
)
def library_hook(event: Opened, actor: Actor) -> str | None:
    if not event.path.endswith("/etc/ld.so.preload"):
        return None
    return f"{actor.tool} wrote {event.path}"
