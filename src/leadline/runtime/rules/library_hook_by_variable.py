"""A program was started with LD_PRELOAD or a variable like it.

The library that it names is loaded into the program and may replace any function: rootkits hide
processes and files so, and steal passwords.

First:
- Find the library: the variable in `/proc/PID/environ`, and save it.
- Look at who set it: the image, the pod or the process before.
- Start the container again from its image.

False positives: allocators and profilers that are loaded so. Therefore this rule is off unless you ask for it; the agent looks at the names of variables
only while it is on, and never at values.

See: https://attack.mitre.org/techniques/T1574/006/
"""

from leadline.model.event import Executed
from leadline.runtime.names import SHARED_LIBRARY_HOOKS
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "RL002",
    "Library hook by a variable",
    score=5,
    needs=("exec",),
    mitre=("TA0005", "T1574.006"),
    is_on=False,
    falco=("Potential Local Privilege Escalation via Environment Variables Misuse",),
)
def library_hook_by_variable(event: Executed, actor: Actor, known: Baseline | None) -> str | None:
    names = [name for name in event.environment if name in SHARED_LIBRARY_HOOKS]
    if not names or actor.tool.startswith("java") or (known is not None and known.ran(event.path)):
        return None
    return f"{event.path} was started with {', '.join(names)}"
