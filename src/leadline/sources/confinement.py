"""What a renderer may touch, as far as the kernel can hold it to that: files by Landlock, the network by a namespace.

Both are entered before the renderer's first instruction, see ``confined_start``.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from leadline.sources import confined_start

FileMode = Literal["landlock", "none"]
NetworkMode = Literal["namespace", "landlock", "none", "open"]
"""``landlock`` closes TCP alone; with ``none`` nothing is closed but the proxies; ``open`` is what was asked for."""

_PROBE_S = 10.0
_SYSTEM = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/nix/store",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_SETTINGS = (
    "/etc/localtime",
    "/sys/kernel/mm/transparent_hugepage",
    "/sys/devices/system/cpu",
    "/proc/meminfo",
)


class Modes(Struct, frozen=True):
    """How a child is confined."""

    files: FileMode = "none"
    network: NetworkMode = "none"

    @property
    def text(self) -> str:
        """For people: ``files by Landlock, network by a namespace``."""
        files = {"landlock": "files by Landlock", "none": "files by looking for links that lead out"}[
            self.files
        ]
        network = {
            "namespace": "network by a namespace",
            "landlock": "network by Landlock",
            "none": "network by looking for addresses",
            "open": "network open",
        }[self.network]
        return f"{files}, {network}"


class Confinement(Struct, frozen=True):
    modes: Modes
    readable: tuple[str, ...] = ()
    """Folders and files, absolute, with what is below them."""
    writable: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    """Beside the system's own: what may be run and loaded."""


def offered_modes() -> Modes:
    """What this kernel offers to this user, tried out in a child."""
    if sys.platform != "linux":
        return Modes()
    try:
        done = subprocess.run(
            _start(), capture_output=True, check=True, timeout=_PROBE_S, stdin=subprocess.DEVNULL
        )
        files, network = done.stdout.decode().split()
        return msgspec.convert({"files": files, "network": network}, Modes)
    except (OSError, subprocess.SubprocessError, ValueError, msgspec.ValidationError):
        return Modes()


def confined(argv: Sequence[str], confinement: Confinement, parent: int) -> tuple[str, ...]:
    """The command that gives up what ``confinement`` does not name, and then becomes ``argv``, an absolute program.

    ``parent`` is the process whose end is the child's as well.
    """
    program = str(Path(argv[0]).resolve().parent)
    groups = (
        (*_SYSTEM, program, argv[0], *confinement.programs),
        (*_SETTINGS, *confinement.readable),
        (*_DEVICES, *confinement.writable),
    )
    counts = (str(len(group)) for group in groups)
    modes = confinement.modes
    places = (place for group in groups for place in group)
    return (*_start(), str(parent), modes.files, modes.network, *counts, *places, *argv)


def python_folders() -> tuple[str, ...]:
    """What a Python of this installation loads its modules from, and this package."""
    package = Path(__file__).resolve().parents[1]
    folders = (sys.prefix, sys.base_prefix, str(package), *filter(None, sys.path))
    return tuple(dict.fromkeys(str(Path(folder).absolute()) for folder in folders))


def _start() -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", str(Path(confined_start.__file__)))
