"""Where this node keeps tracepoints and control groups; what is not mounted is mounted for this process alone.

A mount in a namespace of our own is seen by no one else and ends with the process.
"""

import ctypes
import os
from pathlib import Path

from leadline.errors import SourceError

_TRACING = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
_CLONE_NEWNS = 0x20000
_MS_REC_PRIVATE = 0x4000 | 0x40000
_BTF = Path("/sys/kernel/btf/vmlinux")


class Places:
    """``cgroup_fd`` is the root of version 2 of control groups, ``-1`` where there is none."""

    def __init__(self, *, may_mount: bool = True) -> None:
        self.tracing = _tracing()
        cgroup = _cgroup2()
        if may_mount and (self.tracing is None or cgroup is None):
            self.problem = self._mount(cgroup is None)
            self.tracing = _tracing()
            cgroup = _cgroup2()
        self.cgroup_fd = -1 if cgroup is None else os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY)

    problem = ""
    """Why something could not be mounted."""

    def missing(self, section: str) -> str:
        """Why a program of this section cannot be attached here; empty where nothing is known against it."""
        kind, _, rest = section.partition("/")
        if kind == "tracepoint":
            if self.tracing is None:
                return "tracefs is not mounted"
            return "" if (self.tracing / "events" / rest).is_dir() else "this kernel has no such tracepoint"
        if kind.startswith("cgroup") and self.cgroup_fd < 0:
            return "no control groups of version 2 are mounted"
        return ""

    def close(self) -> None:
        if self.cgroup_fd >= 0:
            os.close(self.cgroup_fd)
            self.cgroup_fd = -1

    def _mount(self, with_cgroup: bool) -> str:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNS):
            return f"no mount namespace of its own: {os.strerror(ctypes.get_errno()).lower()}"
        libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC_PRIVATE), None)
        if self.tracing is None:
            libc.mount(b"tracefs", _TRACING[0].encode(), b"tracefs", ctypes.c_ulong(0), None)
        if with_cgroup:
            libc.mount(b"cgroup2", b"/sys/fs/cgroup", b"cgroup2", ctypes.c_ulong(0), None)
        return ""


def require_btf() -> None:
    """Raises: ``SourceError`` where the kernel does not describe its types."""
    if not _BTF.is_file():
        raise SourceError(
            "this kernel has no BTF (/sys/kernel/btf/vmlinux)",
            hint="a kernel with CONFIG_DEBUG_INFO_BTF has it",
        )


def _tracing() -> Path | None:
    return next((Path(path) for path in _TRACING if Path(path, "events").is_dir()), None)


def _cgroup2() -> str | None:
    """Where version 2 of control groups is mounted; the node's own root before the part that a container sees as its root."""
    found: list[tuple[int, str]] = []
    with Path("/proc/self/mountinfo").open(encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            before, _, after = line.partition(" - ")
            fields = before.split(" ")
            if after.startswith("cgroup2 "):
                found.append((fields[3].count(".."), fields[4]))
    return max(found, default=(0, None), key=_height)[1]


def _height(mount: tuple[int, str]) -> int:
    """How far above this process's own root it begins."""
    return mount[0]
