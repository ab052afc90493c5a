"""Recorded system calls against a seccomp profile.

Sources: https://kubernetes.io/docs/tutorials/security/seccomp/,
https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from leadline.model.profile import Profile, Use
from leadline.model.rehearsal import Outcome, Verdict

_PASSING = ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG")
_ASKING = ("SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE")
NEWEST = (
    "clone3",
    "close_range",
    "faccessat2",
    "openat2",
    "rseq",
    "statx",
    "set_robust_list",
    "epoll_pwait2",
    "fchmodat2",
    "futex_waitv",
    "cachestat",
)
"""C libraries do without them where the answer is ENOSYS."""
_ENOSYS = 38
BLOCKED_BY_DEFAULT: Mapping[str, str] = {
    **dict.fromkeys(
        ("add_key", "keyctl", "request_key", "kexec_file_load", "kexec_load", "userfaultfd", "_sysctl", "sysfs", "uselib",
         "ustat", "vm86", "vm86old", "nfsservctl", "get_kernel_syms", "query_module", "create_module", "io_uring_setup",
         "io_uring_enter", "io_uring_register", "move_pages"),
        "",
    ),
    **dict.fromkeys(
        ("bpf", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick", "lookup_dcookie", "mount", "mount_setattr",
         "move_mount", "open_tree", "perf_event_open", "quotactl", "quotactl_fd", "setdomainname", "sethostname", "setns",
         "swapon", "swapoff", "syslog", "umount", "umount2", "unshare", "pivot_root"),
        "SYS_ADMIN",
    ),
    **dict.fromkeys(("delete_module", "finit_module", "init_module"), "SYS_MODULE"),
    **dict.fromkeys(("settimeofday", "stime", "clock_settime", "clock_settime64"), "SYS_TIME"),
    **dict.fromkeys(("iopl", "ioperm"), "SYS_RAWIO"),
    **dict.fromkeys(("get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"), "SYS_NICE"),
    **dict.fromkeys(("kcmp", "pidfd_getfd", "process_madvise"), "SYS_PTRACE"),
    "acct": "SYS_PACCT", "chroot": "SYS_CHROOT", "open_by_handle_at": "DAC_READ_SEARCH", "reboot": "SYS_BOOT",
    "vhangup": "SYS_TTY_CONFIG",
}  # fmt: skip
"""What RuntimeDefault refuses, with the capability that allows it; empty where none does. Runtimes differ in a few.

Source: https://github.com/containerd/containerd (contrib/seccomp/seccomp_default.go)
"""


class Filter(Struct, frozen=True):
    """A seccomp profile, read."""

    title: str
    default: str
    default_errno: int
    calls: Mapping[str, tuple[tuple[str, int, bool], ...]]
    """By name the action, the error, and whether it depends on arguments, of each rule."""
    is_runtime_default: bool = False
    capabilities: frozenset[str] | None = frozenset()
    """Of the container, which RuntimeDefault looks at."""

    def verdict(self, call: str) -> tuple[Verdict, str]:
        if self.is_runtime_default:
            return self._by_default(call)
        found = {self._said(call, *rule) for rule in self.calls.get(call, ())}
        if not found:
            return self._said(call, self.default, self.default_errno, False)
        return next(iter(found)) if len(found) == 1 else ("unknown", _DEPENDS)

    def _by_default(self, call: str) -> tuple[Verdict, str]:
        needed = BLOCKED_BY_DEFAULT.get(call)
        if needed is None or self.capabilities is None or needed in self.capabilities:
            return "allowed", ""
        return (
            "blocked",
            f"RuntimeDefault refuses it without {needed}" if needed else "RuntimeDefault refuses it",
        )

    def _said(self, call: str, action: str, errno: int, depends: bool) -> tuple[Verdict, str]:
        if depends:
            return "unknown", _DEPENDS
        if action in _PASSING:
            return "allowed", ""
        if action in _ASKING:
            return "unknown", f"{action} asks another program"
        if call in NEWEST and action == "SCMP_ACT_ERRNO" and errno == _ENOSYS:
            return "allowed", ""
        return "blocked", action


_DEPENDS = "it depends on the arguments of the call, which are not recorded"


def filter_of(body: Mapping[str, Any], title: str) -> Filter | None:
    """``body`` as the kubelet reads it from a file; ``None`` for anything but a seccomp profile."""
    default = body.get("defaultAction")
    if not isinstance(default, str):
        return None
    calls: dict[str, list[tuple[str, int, bool]]] = {}
    rules = body.get("syscalls")
    for rule in rules if isinstance(rules, list) else ():
        if not isinstance(rule, dict) or not isinstance(rule.get("action"), str):
            continue
        depends = bool(rule.get("args") or rule.get("includes") or rule.get("excludes"))
        names = rule.get("names")
        for name in names if isinstance(names, list) else [rule.get("name")]:
            calls.setdefault(str(name), []).append((rule["action"], _errno(rule.get("errnoRet")), depends))
    return Filter(
        title, default, _errno(body.get("defaultErrnoRet")), {name: tuple(one) for name, one in calls.items()}
    )


def runtime_default(title: str, capabilities: frozenset[str] | None) -> Filter:
    return Filter(title, "", 0, {}, is_runtime_default=True, capabilities=capabilities)


def seccomp_outcomes(profile: Profile, wanted: Filter) -> Iterator[Outcome]:
    for call in profile.syscalls:
        verdict, why = wanted.verdict(call)
        use = profile.used_syscalls.get(call, Use())
        yield Outcome("syscall", f"calls {call}", verdict, why, wanted.title, use)


def _errno(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 1
