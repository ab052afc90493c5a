"""A program ran that is in no file.

It was written to memory (memfd_create) or is started through the descriptor of a file that is gone. Hardly anything but malware hides a program from the
disk; scanners of files never see it.

First:
- Keep the container running and isolate it by a NetworkPolicy: what runs exists in memory alone.
- Copy `/proc/PID/exe` and `/proc/PID/maps` of the process from the node.
- Look at the chain: which program loaded it, and what let that one in.

False positives: runc started within a container, and some debuggers and language runtimes that hide code in memory.

See: https://attack.mitre.org/techniques/T1620/
"""

from leadline.model.event import PSEUDO, Executed
from leadline.runtime.rule import Actor, rule


@rule(
    "R1005",
    "Fileless execution detected",
    score=8,
    needs=("exec",),
    mitre=("TA0005", "T1055"),
    falco=("Fileless execution via memfd_create",),
    on_nodes=True,
)
def fileless(event: Executed, actor: Actor) -> str | None:
    path = event.path
    if event.flags & PSEUDO or path.startswith(("memfd:", "/memfd:")):
        # runc copies itself to memory before it enters a container.
        is_runtime = "runc_cloned" in path and actor.container.is_host
        return None if is_runtime else f"{path} ran from memory"
    if path.startswith("/proc/") and "/fd/" in path:
        return f"{path} ran, the descriptor of an open file"
    return None
