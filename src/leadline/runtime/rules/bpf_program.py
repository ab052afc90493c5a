"""A container loaded a BPF program into the kernel of the node.

A BPF program sees every process of the node; rootkits are written so.

First:
- List the programs on the node: `bpftool prog list`, and who holds them.
- Take CAP_BPF, CAP_SYS_ADMIN and `privileged` away from the workload.
- Take the node out of service where it is not one of your own agents.

False positives: network plug-ins and monitoring agents that are built on BPF, such as Cilium, Falco and this one.

See: https://attack.mitre.org/techniques/T1014/
"""

from leadline.model.event import BpfLoaded
from leadline.runtime.rule import Actor, Baseline, rule


@rule(
    "R0009",
    "eBPF Program Load",
    score=5,
    needs=("bpf",),
    mitre=("TA0005", "T1218"),
    falco=("BPF Program Not Profiled",),
    on_nodes=True,
)
def bpf_program(event: BpfLoaded, actor: Actor, known: Baseline | None) -> str | None:
    # The runtime loads one for the devices of each container, before it is the container.
    if not actor.path or (known is not None and "bpf" in known.syscalls):
        return None
    return f"{actor.tool} loaded a BPF program"
