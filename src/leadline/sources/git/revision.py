"""What a revision of the repository around a folder is called, so that it can be checked out beside it."""

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from leadline.errors import SourceError
from leadline.sources.child_process import Command, Limits, Outcome, run_child

_LIMITS = Limits(timeout_s=30.0, memory_bytes=1 << 30, output_bytes=8 << 20, file_bytes=1 << 20)
OF_ANOTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
"""Set by git for its hooks: with them git would take the folder that it is started in for the top of that repository."""
_HUNK = re.compile(rb"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_SETTINGS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


class OldFiles(Struct, frozen=True):
    """The files of a repository as they were at a revision."""

    top: str
    """Of the work tree, absolute and free of links."""
    commit: str
    program: str
    """Git."""
    environment: Mapping[str, str]
    copy: tuple[str, str] = ("", "")
    """A folder that stands for another, and that other one: both absolute and free of links."""

    def inside(self, path: str) -> str | None:
        """``path`` from the top of the repository on, a link by its own name; ``None`` where it lies in no part of it."""
        folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 - a link is a file of its own
        real, (copy, original) = os.path.realpath(folder), self.copy
        if copy and Path(real).is_relative_to(copy):
            real = os.path.normpath(os.path.join(original, os.path.relpath(real, copy)))  # noqa: PTH118
        inside = os.path.relpath(real, self.top)
        if inside.startswith(".."):
            return None
        return os.path.normpath(os.path.join(inside, name))  # noqa: PTH118

    def content(self, inside: str) -> bytes | None:
        """What the file held; ``None`` for what was not a file, or larger than 8 MiB."""
        where = f"{self.commit}:{inside}"
        found = _run(self.program, Path(self.top), self.environment, "cat-file", "blob", where)
        return found.output if found.is_success else None

    def lines_of_change(self, inside: str) -> Mapping[int, int]:
        """Each line of the file today that the difference to the revision shows, with its number then; 0 for a new line."""
        words = (
            "diff",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--no-renames",
            "--unified=3",
            self.commit,
        )
        found = _run(self.program, Path(self.top), self.environment, *words, "--", inside)
        lines: dict[int, int] = {}
        old = new = 0
        for line in found.output.split(b"\n") if found.is_success else ():
            hunk = _HUNK.match(line)
            if hunk:
                old, new = int(hunk[1]), int(hunk[2])
            elif new and line[:1] in (b" ", b"+"):
                lines[new] = 0 if line[:1] == b"+" else old
                new += 1
                old += line[:1] == b" "
            elif new and line[:1] == b"-":
                old += 1
        return lines

    def head(self) -> str:
        """The commit that is checked out; empty where there is none."""
        found = _run(
            self.program, Path(self.top), self.environment, "rev-parse", "--verify", "--quiet", "HEAD"
        )
        return found.output.decode().strip() if found.is_success else ""

    def below(self, inside: str, most: int) -> tuple[str, ...]:
        """The files at or below ``inside``, ``most`` of them; empty where there was nothing."""
        words = ("ls-tree", "-r", "-z", "--name-only", self.commit, "--", inside)
        found = _run(self.program, Path(self.top), self.environment, *words)
        names = found.output.split(b"\0", most)[:most] if found.is_success else ()
        return tuple(name.decode("utf-8", "surrogateescape") for name in names if name)


class PathAtRevision(Struct, frozen=True):
    """A path as it was."""

    address: str
    """Of git: ``file:///home/me/shop//deploy#4f3c…``; empty where the revision has nothing at that path."""
    inside: str
    """The path from the top of the repository on; ``.`` for the top."""
    top: str
    """Of the repository, absolute and free of links."""


def path_at_revision(path: str, revision: str, environment: Mapping[str, str]) -> PathAtRevision:
    """Where ``path`` is to be had as it was at ``revision``.

    Raises: ``SourceError`` without git, a repository around the path, or such a revision.
    """
    old = files_at_revision(path, revision, environment)
    inside = os.path.relpath(os.path.realpath(path), old.top)
    below = "" if inside == "." else f"//{quote(inside)}"
    where = f"{old.commit}:{inside}"
    if below and not _run(old.program, Path(old.top), environment, "cat-file", "-e", where).is_success:
        return PathAtRevision("", inside, old.top)
    return PathAtRevision(f"file://{quote(old.top)}{below}#{old.commit}", inside, old.top)


def files_at_revision(path: str, revision: str, environment: Mapping[str, str]) -> OldFiles:
    """The files of the repository around ``path`` as they were at ``revision``.

    Raises: ``SourceError`` without git, a repository around the path, or such a revision.
    """
    program = shutil.which("git", path=environment.get("PATH", ""))
    if program is None:
        raise SourceError("git is not installed", hint="compare with a baseline or a report instead")
    real = Path(os.path.realpath(path))
    folder = real if real.is_dir() else real.parent
    if not folder.is_dir():
        raise SourceError(f"no such file: {path}")
    top = _run(program, folder, environment, "rev-parse", "--show-toplevel")
    if not top.is_success:
        raise _not_opened(path, folder, top)
    if revision.startswith("-"):
        raise SourceError(f"no revision {revision} in the repository of {path}", hint="git log shows them")
    commit = _run(program, folder, environment, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if not commit.is_success:
        is_shallow = (
            _run(program, folder, environment, "rev-parse", "--is-shallow-repository").output == b"true\n"
        )
        hint = (
            f"this clone is shallow: git fetch --depth=1 origin {revision}"
            if is_shallow
            else "git log shows them"
        )
        raise SourceError(f"no revision {revision} in the repository of {path}", hint=hint)
    root = top.output.decode("utf-8", "surrogateescape").rstrip("\n")
    return OldFiles(os.path.realpath(root), commit.output.decode().strip(), program, environment)


def _not_opened(path: str, folder: Path, outcome: Outcome) -> SourceError:
    """Why git opens no repository around ``path``."""
    top = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)
    instead = "compare with a baseline or a report instead"
    if top is None:
        return SourceError(f"{path} is not in a git repository", hint=instead)
    # Containers of build servers often run as another user than the one that made the checkout.
    if hasattr(os, "geteuid") and top.stat().st_uid != os.geteuid():
        trust = f"git config --global --add safe.directory {shlex.quote(str(top))}"
        return SourceError(f"git does not trust {top}, since it belongs to another user", hint=trust)
    said = outcome.complaint.splitlines()[-1] if outcome.complaint else outcome.fate
    return SourceError(f"git cannot read the repository of {path}: {said}", hint=instead)


def _run(program: str, folder: Path, environment: Mapping[str, str], *arguments: str) -> Outcome:
    kept = {name: value for name, value in environment.items() if name not in OF_ANOTHER_REPOSITORY}
    command = Command((program, *_SETTINGS, *arguments), str(folder), kept | {"LC_ALL": "C"})
    try:
        return run_child(command, _LIMITS)
    except OSError as error:
        raise SourceError(f"git cannot be started: {error.strerror or error}") from error
