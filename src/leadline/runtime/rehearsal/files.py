"""Recorded writes against a read-only root: only what is mounted to be written may be.

What other calls than open asked for is taken as if it had succeeded: whether it did is not recorded.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from leadline.model.profile import ChangedPath, OpenedFile, Profile
from leadline.model.rehearsal import Outcome

ANY = "⋯"
WRITES = frozenset({"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"})
ALWAYS_WRITABLE = ("/dev", "/proc", "/sys", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf")
"""What the runtime and the kubelet mount into every container; what the kernel refuses there it refused before."""
_LINKS = (("/var/run/", "/run/"), ("/var/lock/", "/run/lock/"))
"""Links of nearly every image; a path that was only asked for may lead over them."""
_FOLDERS = frozenset(
    ("/", "/bin", "/boot", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/root", "/run", "/sbin",
     "/srv", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/sbin", "/usr/share", "/var", "/var/cache",  # noqa: S108
     "/var/lib", "/var/log", "/var/run", "/var/tmp")  # noqa: S108
)  # fmt: skip
"""That are there in every image: to make them again fails everywhere, without harm."""
_CHANGES = {
    "made": "makes the folder",
    "removed": "removes",
    "renamed": "renames",
    "linked": "links",
    "mode": "changes the mode of",
    "owner": "changes the owner of",
    "times": "changes the times of",
    "size": "changes the size of",
    "attributes": "changes the attributes of",
    "special": "makes the socket, pipe or device",
}


class Mounts(Struct, frozen=True):
    """What is mounted into a container."""

    writable: tuple[str, ...]
    read_only: tuple[str, ...] = ()
    is_root_read_only: bool = False
    title: str = ""
    """Where that is written."""


def written_paths(profile: Profile) -> Iterator[tuple[str, OpenedFile | ChangedPath]]:
    """Every path that was written, made, removed or renamed, links of the usual kind resolved."""
    for file in profile.opened:
        if WRITES.intersection(file.flags):
            yield file.path, file
    for change in profile.changed:
        if not (change.how == "made" and change.path.rstrip("/") in ("", *_FOLDERS)):
            yield resolved(change.path), change


def file_outcomes(profile: Profile, mounts: Mounts) -> Iterator[Outcome]:
    for path, one in written_paths(profile):
        word = "writes" if isinstance(one, OpenedFile) else _CHANGES.get(one.how, one.how)
        what = f"{word} {one.path}"
        mount, is_writable = place_of(path, mounts)
        if not path.startswith("/"):
            yield Outcome(
                "file",
                what,
                "unknown",
                "the folder that the path is relative to is not recorded",
                mounts.title,
                one.use,
            )
        elif is_writable:
            yield Outcome("file", what, "allowed", "", mounts.title, one.use)
        elif is_writable is None:
            yield Outcome(
                "file",
                what,
                "unknown",
                f"several names were recorded as one, some of them below {mount}",
                mounts.title,
                one.use,
            )
        elif isinstance(one, ChangedPath) and one.how == "removed":
            yield Outcome(
                "file",
                what,
                "unknown",
                "whether there was something to remove is not recorded",
                mounts.title,
                one.use,
            )
        else:
            why = (
                f"{mount} is mounted read-only"
                if mount
                else "the root is read-only and no volume is mounted there"
            )
            yield Outcome("file", what, "blocked", why, mounts.title, one.use)


def place_of(path: str, mounts: Mounts) -> tuple[str, bool | None]:
    """The innermost mount that ``path`` lies in, and whether it may be written there; ``None`` where that depends."""
    every = dict.fromkeys((*ALWAYS_WRITABLE, *mounts.writable), True) | dict.fromkeys(mounts.read_only, False)
    for mount in sorted(every, key=lambda one: -one.count("/")):
        said = _is_below(path, mount)
        if said:
            return mount, every[mount]
        if said is None and every[mount] != (not mounts.is_root_read_only):
            return mount, None
    return "", not mounts.is_root_read_only


def resolved(path: str) -> str:
    for link, target in _LINKS:
        if path.startswith(link):
            return target + path.removeprefix(link)
    return path


def _is_below(path: str, mount: str) -> bool | None:
    """``None`` where a part of ``path`` stands for several names."""
    parts, wanted = path.split("/"), resolved(mount.rstrip("/") + "/").rstrip("/").split("/")
    if len(parts) < len(wanted):
        return False
    pairs = list(zip(parts, wanted, strict=False))
    if any(part not in (name, ANY) for part, name in pairs):
        return False
    return True if all(part == name for part, name in pairs) else None


def folders_of(paths: Iterable[str]) -> tuple[str, ...]:
    """The folders that hold them, none within another."""
    folders = {folder_of(path) for path in paths}
    return tuple(
        sorted(one for one in folders if not any(_is_below(one, other) for other in folders - {one}))
    )


def folder_of(path: str) -> str:
    """Without ``⋯`` and what follows."""
    return path.partition(f"/{ANY}")[0] if ANY in path else path.rpartition("/")[0]
