"""A strict seccomp profile: the recorded system calls, and those that no container does without. The second choice after RuntimeDefault.

Sources: https://github.com/opencontainers/runc (libcontainer/standard_init_linux.go: what runs once the filter is loaded),
https://man7.org/linux/man-pages/man2/seccomp.2.html.
"""

from collections.abc import Sequence
from typing import Any

from leadline.model.profile import Profile
from leadline.runtime.rehearsal.seccomp import NEWEST, filter_of

_RUNTIME = (
    "capget", "capset", "chdir", "close", "close_range", "dup3", "epoll_create1", "epoll_ctl", "epoll_pwait", "execve",
    "exit", "exit_group", "faccessat", "faccessat2", "fchown", "fcntl", "fstat", "fstatfs", "futex", "getdents64", "getpid",
    "getppid", "gettid", "getuid", "madvise", "mmap", "munmap", "nanosleep", "newfstatat", "openat", "prctl", "read",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_yield", "setgid", "setgroups", "setuid", "sigaltstack", "tgkill",
    "write",
)  # fmt: skip
"""What the runtime does between loading the filter and starting the program."""
_START = (
    "access", "arch_prctl", "brk", "clone", "getegid", "geteuid", "getgid", "getrandom", "ioctl", "lseek", "mprotect", "pread64",
    "prlimit64", "readlink", "readlinkat", "set_robust_list", "set_tid_address", "uname", "wait4", "clock_gettime",
)  # fmt: skip
"""What a program of a probe (``exec``) needs to start and to end."""
_ENDING = (
    "kill",
    "pause",
    "restart_syscall",
    "rt_sigpending",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "sigreturn",
    "tkill",
)
"""Signals, and the paths of a crash, which a good run does not show."""
_ENOSYS, _EPERM = 38, 1
_OF_X86 = "arch_prctl"
"""Every program for x86_64 calls it at its start, and none for aarch64."""
Json = dict[str, Any]


def strict_profile(profiles: Sequence[Profile]) -> Json:
    """As the kubelet reads it from a file, for the architecture that was recorded; empty where no system calls were.

    Calls newer than the profile are answered with ENOSYS: C libraries then take the older one, where EPERM is an error.
    """
    recorded = {call for one in profiles for call in one.syscalls}
    if not recorded or not all(one.syscalls for one in profiles):
        return {}
    allowed = recorded | {*_RUNTIME, *_START, *_ENDING}
    newer = sorted({*NEWEST} - allowed)
    architecture = "SCMP_ARCH_X86_64" if _OF_X86 in recorded else "SCMP_ARCH_AARCH64"
    made: Json = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": _EPERM,
        "architectures": [architecture],
        "syscalls": [{"names": sorted(allowed), "action": "SCMP_ACT_ALLOW"}],
    }
    if newer:
        made["syscalls"].append({"names": newer, "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS})
    wanted = filter_of(made, "")
    is_safe = wanted is not None and all(wanted.verdict(call)[0] == "allowed" for call in recorded)
    return made if is_safe else {}
