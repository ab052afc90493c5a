"""A kernel module was loaded or removed.

Code in the kernel is above every container, and above every agent that watches.

First:
- Take the node out of service and keep its disk and memory: nothing that it says can be trusted.
- Look at the chain: which container had CAP_SYS_MODULE, and why.
- Forbid it: drop all capabilities, no `privileged`, and `kernel.modules_disabled=1` on nodes.

False positives: network plug-ins and drivers that load modules in an init container.

See: https://attack.mitre.org/techniques/T1547/006/
"""

from leadline.model.event import ModuleChanged
from leadline.runtime.rule import Actor, rule


@rule(
    "R1002",
    "Process tries to load a kernel module",
    score=10,
    needs=("module",),
    mitre=("TA0005", "T1547.006"),
    falco=("Linux Kernel Module Injection Detected",),
    on_nodes=True,
)
def kernel_module(event: ModuleChanged, actor: Actor) -> str | None:
    return f"{actor.tool} tried to {event.call} a kernel module"
