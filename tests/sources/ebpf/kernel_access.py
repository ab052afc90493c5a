"""Whether this machine lets BPF programs be tried. Where it does, a test that does not run is a failure, not a skip."""

import ctypes
import os
import platform
import struct
from functools import cache
from pathlib import Path

import pytest

_BPF = {"x86_64": 321, "aarch64": 280}
_PROG_LOAD = 5
_TRACEPOINT = 5
_RETURN_ZERO = struct.pack("<QQ", 0xB7, 0x95)


@cache
def why_not() -> str:
    """Empty where they can."""
    if not Path("/sys/kernel/btf/vmlinux").is_file():
        return "this kernel has no BTF"
    if os.geteuid() != 0:
        return "BPF needs root"
    return "" if may_load() else "this kernel forbids BPF"


def may_load() -> bool:
    """Whether the smallest program there is can be loaded: two instructions, for no place."""
    program = ctypes.create_string_buffer(_RETURN_ZERO, len(_RETURN_ZERO))
    licence = ctypes.create_string_buffer(b"GPL")
    places = ctypes.addressof(program), ctypes.addressof(licence)
    attributes = ctypes.create_string_buffer(struct.pack("<IIQQ", _TRACEPOINT, 2, *places), 128)
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.syscall(_BPF.get(platform.machine(), 0), _PROG_LOAD, attributes, 128)
    if descriptor < 0:
        return False
    os.close(descriptor)
    return True


needs_kernel = pytest.mark.skipif(bool(why_not()), reason=why_not() or "runs")
