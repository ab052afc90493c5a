"""The names of system calls by their numbers, for each architecture."""

import platform
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "syscalls"
_FILES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


@lru_cache(maxsize=2)
def syscall_names(machine: str = "") -> Mapping[int, str]:
    """Of ``machine``, by default this one; empty for others than x86_64 and aarch64."""
    name = _FILES.get(machine or platform.machine())
    if name is None:
        return {}
    lines = (_FOLDER / f"{name}.txt").read_text("ascii").splitlines()
    return {int(number): call for number, call in (line.split(" ") for line in lines)}
