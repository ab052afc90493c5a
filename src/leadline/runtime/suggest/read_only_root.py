"""A read-only root, with an empty volume for exactly the folders that are written.

An empty volume hides what the image has there. So none is suggested over a file or folder that the container was not seen to make itself,
and that it needs.
"""

from collections.abc import Iterator, Mapping, Sequence

from leadline.model.profile import ChangedPath, OpenedFile, Profile
from leadline.runtime.collapse import ANY, PathSet
from leadline.runtime.rehearsal.files import Mounts, folder_of, folders_of, place_of, resolved, written_paths
from leadline.runtime.suggest.setting import Left, Setting

_TEMPORARY = ("/tmp", "/var/tmp", "/run", "/var/run", "/var/cache", "/var/lock")  # noqa: S108
"""Folders that are empty when a machine starts, or may be."""
_OF_WHAT_IS_THERE = frozenset({"mode", "owner", "times", "size", "attributes"})
_WHAT = "readOnlyRootFilesystem"


def root_settings(profiles: Sequence[Profile], mounts: Mounts) -> Iterator[Setting | Left]:
    if mounts.is_root_read_only:
        return
    written = _written(profiles, mounts)
    if isinstance(written, str):
        yield Left(_WHAT, f"the folder that {written} is relative to is not recorded")
        return
    made = _made(profiles)
    volumes, missing = _volumes(written, made)
    filled = next(filter(None, (_filling(profiles, folder, volumes) for folder in volumes)), None)
    if filled is not None:
        why = f"{filled[0]} is written and holds files that were read and not written, such as {filled[1]}: an empty volume would hide them"
        yield Left(_WHAT, why)
    elif missing:
        yield Left(_WHAT, f"{missing} was there before it was changed: an empty volume would hide it")
    else:
        shown = ", ".join(volumes)
        because = (
            f"written were only {shown} and what is mounted"
            if shown
            else "nothing outside of volumes was written"
        )
        yield Setting(
            ("securityContext", _WHAT), True, because, "what is written elsewhere fails with EROFS", volumes
        )


def _written(profiles: Sequence[Profile], mounts: Mounts) -> dict[str, bool] | str:
    """By path whether the container may have made it; or the first path that is relative to an unknown folder."""
    held = Mounts(mounts.writable, mounts.read_only, is_root_read_only=True)
    found: dict[str, bool] = {}
    for profile in profiles:
        for path, one in written_paths(profile):
            if not path.startswith("/"):
                return one.path
            if not place_of(path, held)[1]:
                found[path] = found.get(path, False) or _makes(one)
    return found


def _makes(one: OpenedFile | ChangedPath) -> bool:
    """Whether the container may have made the file itself. A removed file counts: an empty volume takes nothing from it."""
    return "O_CREAT" in one.flags if isinstance(one, OpenedFile) else one.how not in _OF_WHAT_IS_THERE


def _made(profiles: Sequence[Profile]) -> PathSet:
    """Folders that the container made: it makes them again in an empty volume."""
    found = PathSet()
    for profile in profiles:
        for one in profile.changed:
            if one.how == "made":
                found.add(resolved(one.path))
    return found


def _volumes(written: Mapping[str, bool], made: PathSet) -> tuple[tuple[str, ...], str]:
    """Folders to be mounted, and what was there before and would be hidden by one; empty where nothing would be."""
    paths = [path for path, is_made in written.items() if is_made]
    outer = folders_of(paths)
    volumes, missing = set(outer), ""
    for path in paths:
        folder, whole = folder_of(path), path.rpartition("/")[0]
        if not _is_own(folder, made):
            volumes.add(folder)  # a folder of the image within another one
        if whole != folder and not _is_own(whole, made) and not folder.startswith(_TEMPORARY):
            missing = whole
    for path, is_made in written.items():
        if is_made or path in volumes or _is_own(path, made):
            continue
        if any(folder.startswith(f"{path}/") for folder in volumes):
            volumes.add(path)
        else:
            missing = path
    return tuple(sorted(volumes)), missing


def _is_own(path: str, made: PathSet) -> bool:
    """Whether it is a folder that was made, or in one."""
    return any(one in made for one in (path, *_above(path)))


def _filling(profiles: Sequence[Profile], folder: str, volumes: Sequence[str]) -> tuple[str, str] | None:
    """The folder with a file in it that the image brings; ``None`` where it may as well be empty."""
    if folder in ("", "/"):
        return "/", "everything"
    inside = f"{folder}/"
    for profile in profiles:
        written = {path for path, _ in written_paths(profile)}
        own = _own_folders(profile)
        read = (one.path for one in profile.opened if one.path.startswith(inside))
        loaded = (path for path in profile.loaded if path.startswith(inside))
        for path in (*read, *loaded):
            is_own = (
                path in written or path in volumes or any(above in own for above in (path, *_above(path)))
            )
            if not is_own and not (ANY in path and folder.startswith(_TEMPORARY)):
                return folder, path
    return None


def _own_folders(profile: Profile) -> frozenset[str]:
    """Folders that hold nothing of the image: the container made them, and did not remove one of that name before."""
    gone = {one.path for one in profile.changed if one.how in ("removed", "renamed")}
    return frozenset(
        resolved(one.path)
        for one in profile.changed
        if one.how == "made" and one.path not in gone and ANY not in one.path
    )


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
