"""Capabilities that the kernel asked a process for; see ``capability.bpf.c``."""

from leadline.model.event import CapabilityUsed
from leadline.sources.ebpf.probe import Decoder, Fields, Head, Probe, number

NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)  # fmt: skip
"""By number, from the kernel's ``include/uapi/linux/capability.h``, as Kubernetes writes them."""


def capability(head: Head, fields: Fields, tail: bytes) -> CapabilityUsed:
    syscall, which, verdict = map(number, fields)
    name = NAMES[which] if 0 <= which < len(NAMES) else str(which)
    return CapabilityUsed(*head, capability=name, is_allowed=verdict == 0, syscall=syscall)


CAPABILITY = Probe(
    "capability",
    ("on_capability",),
    "which capabilities are used",
    (Decoder("RECORD_CAPABILITY", "capability_record", ("syscall", "capability", "verdict"), capability),),
)
