"""What a revision of the repository around a folder is called, so that it can be checked out beside it."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from leadline.errors import SourceError
from leadline.sources.child_process import Command, Limits, Outcome, run_child

_LIMITS = Limits(timeout_s=30.0, memory_bytes=1 << 30, output_bytes=1 << 20, file_bytes=1 << 20)
_SETTINGS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


def address_of_revision(path: str, revision: str, environment: Mapping[str, str]) -> str:
    """The git address of ``path`` as it was at ``revision``: ``file:///home/me/shop@4f3c…//deploy``.

    Raises: ``SourceError`` where there is no git, no repository around the path, or no such revision.
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
        raise SourceError(
            f"{path} is in no git repository", hint="compare with a baseline or a report instead"
        )
    if revision.startswith("-"):
        raise SourceError(f"no revision {revision} in the repository of {path}", hint="git log shows them")
    commit = _run(program, folder, environment, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if not commit.is_success:
        raise SourceError(f"no revision {revision} in the repository of {path}", hint="git log shows them")
    root = top.output.decode("utf-8", "surrogateescape").rstrip("\n")
    inside = os.path.relpath(real, os.path.realpath(root))
    below = "" if inside == "." else f"//{quote(inside)}"
    return f"file://{quote(root)}{below}#{commit.output.decode().strip()}"


def _run(program: str, folder: Path, environment: Mapping[str, str], *arguments: str) -> Outcome:
    command = Command((program, *_SETTINGS, *arguments), str(folder), dict(environment) | {"LC_ALL": "C"})
    try:
        return run_child(command, _LIMITS)
    except OSError as error:
        raise SourceError(f"git cannot be started: {error.strerror or error}") from error
