"""Which system calls each container uses: a table, not records; see ``syscalls.bpf.c``."""

from leadline.sources.ebpf.probe import Probe

SYSCALLS = Probe("syscalls", ("on_syscall",), "which system calls are used, for seccomp profiles")
