"""A cgroup of its own for each cluster: a kubelet ends what runs in pods' cgroups that it did not make."""

from contextlib import suppress
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")


def hierarchies() -> list[Path]:
    """Roots of all that is mounted, of either version."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [Path(words[1]) for words in mounts if words[2] in ("cgroup", "cgroup2")]


def make_cgroup(name: str) -> None:
    for hierarchy in hierarchies():
        folder = hierarchy / name
        folder.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            # Of version 1: nothing can run in a group in which these are empty.
            if (folder / setting).exists() and (hierarchy / "tasks").exists():
                (folder / setting).write_text((hierarchy / setting).read_text())


def remove_cgroup(name: str) -> None:
    for hierarchy in hierarchies():
        folder = hierarchy / name
        for below in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):
                below.rmdir()
        with suppress(OSError):
            folder.rmdir()
