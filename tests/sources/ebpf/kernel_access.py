"""Whether this machine lets BPF programs be tried. Where it does, a test that does not run is a failure, not a skip."""

import os
from pathlib import Path

import pytest


def why_not() -> str:
    """Empty where they can."""
    if not Path("/sys/kernel/btf/vmlinux").is_file():
        return "this kernel has no BTF"
    if os.geteuid() != 0:
        return "BPF needs root"
    return ""


needs_kernel = pytest.mark.skipif(bool(why_not()), reason=why_not() or "runs")
