"""Where configuration is looked for, and whether a file came with the code that is scanned."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from leadline.programs.cli.options.table import FILE_NAME
from leadline.sources.private_place import why_not_private

if TYPE_CHECKING:
    from leadline.programs.cli.options.file import ConfigFile

VARIABLE = "LEADLINE_CONFIG"


class Asked(Struct, frozen=True):
    """What a command line says about configuration."""

    file: str = ""
    """Of ``--config``."""
    none: bool = False
    trusted: bool = False
    targets: tuple[str, ...] = ()
    """What is scanned, as far as it may be files."""
    since: str = ""
    """A revision: a file of the repository counts as it was there."""


class Found(Struct, frozen=True):
    """The files that have a say: at most one of the user's, and one that came with the code."""

    yours: "ConfigFile | None" = None
    inside: "ConfigFile | None" = None
    not_read: tuple[tuple[str, str], ...] = ()
    """Files that were passed over, and why."""
    changed: tuple[str, ...] = ()
    """Files that count as they were at the revision that is asked for."""


def find_files(asked: Asked, environ: Mapping[str, str], folder: str) -> Found:
    """Those for a command that is run in ``folder``.

    A file that is named (``--config``, ``LEADLINE_CONFIG``) is the user's, unless it lies in what is scanned or in the
    git work tree of ``folder``. So is the one below ``~/.config``. One that is found upwards of ``folder`` never is.

    Raises: ``SourceError`` for a named file that cannot be read, ``UsageError`` for what is not a configuration.
    """
    if asked.none:
        return Found()
    trees = () if asked.trusted else tuple(_trees(asked.targets, folder))
    not_read: list[tuple[str, str]] = []
    yours = inside = None
    if named := asked.file or environ.get(VARIABLE, ""):
        place = str(Path(folder, named))
        file = _read(place, named)
        yours, inside = (None, file) if _is_within(place, trees) else (file, None)
    usual = user_file(environ)
    if yours is None and usual and os.path.lexists(usual):
        if why := _why_not_private(usual, trees):
            not_read.append((usual, why))
        else:
            yours = _read(usual, usual)
    if (
        inside is None
        and (path := _upwards(folder))
        and not (yours and Path(path).samefile(Path(folder, yours.path)))
    ):
        shown = os.path.relpath(path, folder)
        if why := _why_not_sound(path, folder):
            not_read.append((shown, why))
        else:
            inside = _read(path, shown)
    found = Found(yours, inside, tuple(not_read))
    return _as_before(found, asked, environ, folder) if asked.since and asked.targets else found


def _as_before(found: Found, asked: Asked, environ: Mapping[str, str], folder: str) -> Found:
    """``found`` with each file of the repository of the target as it was at the revision.

    Raises: ``SourceError`` without such a revision, ``UsageError`` for what is not a configuration.
    """
    from leadline.scans.waivers.before_change import FilesBefore

    before = FilesBefore(asked.targets[0], asked.since, environ)
    changed: list[str] = []
    not_read = list(found.not_read)

    def settled(file: "ConfigFile | None", path: str) -> "ConfigFile | None":
        """``file`` as it was, where ``path`` is a file of the repository that is not as it was."""
        content = before.content(path) if path else None
        if content is None:
            return file
        shown = os.path.relpath(path, folder) if file is None else file.path
        if content == before.present(path) and file is not None:
            return file
        changed.append(shown)
        if not content:
            not_read.append((shown, f"this change adds it: not there at {asked.since}"))
            return None
        not_read.append((shown, f"this change edits it: counts as it was at {asked.since}"))
        from leadline.programs.cli.options.file import config_in

        return config_in(content, path, shown)

    named = asked.file or environ.get(VARIABLE, "")
    is_inside_named = found.inside is not None and bool(named)
    yours = settled(found.yours, str(Path(folder, found.yours.path)) if found.yours else "")
    if is_inside_named or (named and found.yours):
        return Found(yours, settled(found.inside, str(Path(folder, named))), tuple(not_read), tuple(changed))
    nearest_before = before.nearest(folder, FILE_NAME)
    present = str(Path(folder, found.inside.path)) if found.inside else ""
    inside = found.inside
    if present and present != nearest_before:
        inside = settled(inside, present)
    if nearest_before:
        inside = settled(inside if present == nearest_before else None, nearest_before)
    return Found(yours, inside, tuple(not_read), tuple(changed))


def _read(path: str, shown: str) -> "ConfigFile":
    from leadline.programs.cli.options.file import read_config  # where there is one

    return read_config(path, shown)


def user_file(environ: Mapping[str, str]) -> str:
    """The user's own file, be it there or not (https://specifications.freedesktop.org/basedir-spec/latest/); empty for nowhere."""
    named, home = environ.get("XDG_CONFIG_HOME", ""), environ.get("HOME", "")
    if named.startswith("/"):
        return f"{named}/leadline/{FILE_NAME}"
    return f"{home}/.config/leadline/{FILE_NAME}" if home.startswith("/") else ""


def _trees(targets: Sequence[str], folder: str) -> Iterator[str]:
    """The real paths of what comes with the code: every target, the git work trees around them and around ``folder``."""
    if top := _git_top(os.path.realpath(folder)):
        yield top
    for target in targets:
        for written in (target, target.partition(":")[2]):
            # Of a glob, the folder that it starts from.
            path = os.path.realpath(os.path.join(folder, _before_glob(written)))  # noqa: PTH118
            if written and os.path.lexists(path):
                yield path if Path(path).is_dir() else os.path.dirname(path)  # noqa: PTH120
                yield from filter(None, [_git_top(path)])


def _before_glob(path: str) -> str:
    """The folders of ``path`` before the first part with a ``*``, ``?`` or ``[`` in it; all of it where none has."""
    at = next((at for at, sign in enumerate(path) if sign in "*?["), -1)
    return path if at < 0 else path[: max(0, path.rfind("/", 0, at))]


def _git_top(path: str) -> str:
    """The nearest folder at or above ``path`` with a ``.git``; empty without."""
    return next((str(one) for one in (Path(path), *Path(path).parents) if os.path.lexists(one / ".git")), "")


def _is_within(path: str, trees: Sequence[str]) -> bool:
    """Whether the file, or a folder on the way to it, lies in one of ``trees``: its author says where links there lead."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - links must stay
    reals = [os.path.realpath(step) for step in (whole, *whole.parents)]
    return any(one == tree or one.startswith(tree.rstrip("/") + "/") for tree in trees for one in reals)


def _upwards(folder: str) -> str:
    """The nearest file at or above ``folder``, up to the top of its git work tree; empty without."""
    for here in (Path(folder), *Path(folder).parents):
        if os.path.lexists(here / FILE_NAME):
            return str(here / FILE_NAME)
        if os.path.lexists(here / ".git"):
            break
    return ""


def _why_not_private(path: str, trees: Sequence[str]) -> str:
    """Why the user's own file is not the user's alone; empty where it is."""
    if _is_within(path, trees):
        return "it lies in what is scanned"
    return why_not_private(Path(path).stat()) if Path(path).exists() else "it is a link to nothing"


def _why_not_sound(path: str, folder: str) -> str:
    """Why a file that was found is passed over; empty where it is read."""
    if os.path.dirname(os.path.realpath(path)) != os.path.realpath(os.path.dirname(path)):  # noqa: PTH120
        return "it is a link that leads elsewhere"
    owner, around = Path(path).stat().st_uid, Path(folder).stat().st_uid
    own = getattr(os, "geteuid", lambda: owner)()
    return "" if owner in (0, own, around) else f"it belongs to another user (id {owner})"
