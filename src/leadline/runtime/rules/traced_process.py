"""A process looked into another one, or changed it.

With ptrace passwords are taken from memory, and code is put into programs that already run.

First:
- Look at the program: a debugger that a person started, or not.
- Treat what the other process had in memory as read.
- Drop CAP_SYS_PTRACE, and do not share process namespaces between containers.

False positives: debuggers, tracers and crash handlers. A complete profile that has the call silences this.

See: https://attack.mitre.org/techniques/T1055/008/
"""

from leadline.model.event import Traced
from leadline.runtime.rule import Actor, Baseline, rule

_ATTACHES = frozenset({4, 5, 13, 15, 16, 0x4206, -1})
"""POKETEXT, POKEDATA, SETREGS, SETFPREGS, ATTACH, SEIZE, and a write by process_vm_writev(2)."""


@rule(
    "R1015",
    "Malicious Ptrace Usage",
    score=5,
    needs=("ptrace",),
    mitre=("TA0005", "T1622"),
    falco=("PTRACE attached to process",),
    on_nodes=True,
)
def traced_process(event: Traced, actor: Actor, known: Baseline | None) -> str | None:
    if event.request not in _ATTACHES or not actor.path or (known is not None and "ptrace" in known.syscalls):
        return None
    return f"{actor.tool} attached to another process or wrote into it"
