"""A program ran from /dev/shm.

Every user can write there, it is memory, and it is empty after a restart. No image keeps programs in it.

First:
- Copy the file from the node before the container ends: `/proc/PID/exe`.
- Look at the chain and at what was downloaded before.
- Mount /dev/shm with `noexec` where the runtime lets you, or set a seccomp profile.

False positives: hardly any; some test suites of compilers.

See: https://attack.mitre.org/techniques/T1059/
"""

from leadline.model.event import Executed
from leadline.runtime.names import INTERPRETERS, is_one_of, is_shell
from leadline.runtime.rule import Actor, rule

_FOLDERS = ("/dev/shm", "/run/shm")


@rule(
    "R1000",
    "Process executed from malicious source",
    score=8,
    needs=("exec",),
    mitre=("TA0002", "T1059"),
    falco=("Execution from /dev/shm",),
    on_nodes=True,
)
def executed_from_shared_memory(event: Executed, actor: Actor) -> str | None:
    path, words = event.path, event.arguments
    if (
        "/shm" not in path
        and "/shm" not in event.name
        and "/shm" not in actor.line
        and "/shm" not in "".join(words[:1])
    ):
        return None
    runs_a_script = is_shell(actor.tool) or is_one_of(actor.tool, INTERPRETERS)
    for place in (path, event.name, *words[: 1 + runs_a_script]):
        if place.startswith(_FOLDERS):
            return f"{place} was started from memory that every user can write"
    return None
