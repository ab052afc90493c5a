"""Which system calls each container uses: a table, and a record of each program's first use; see ``syscalls.bpf.c``."""

from leadline.model.event import CallLearned
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number
from leadline.sources.ebpf.syscall_names import syscall_names


def call_learned(head: Head, fields: Fields, texts: tuple[str, str]) -> CallLearned:
    called = number(fields[0])
    return CallLearned(*head, call=syscall_names().get(called, str(called)))


SYSCALLS = Probe(
    "syscalls",
    ("on_syscall",),
    "which system calls are used, for seccomp profiles",
    (call_decoder("RECORD_SYSCALL", call_learned),),
)
