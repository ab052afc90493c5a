"""The repository that a scan of files lies in."""

import os
from pathlib import Path

from leadline.model.report import Target

_MOST_STEPS = 64


def repository_top(target: Target, targets: tuple[str, ...]) -> str:
    """The absolute folder above the first target that git keeps its records in; empty where there is none.

    What was fetched, or read from a cluster or standard input, has its paths already.
    """
    if target.kind not in ("file", "directory") or not targets:
        return ""
    here = Path(os.path.normpath(Path.cwd() / targets[0]))
    for folder in (here, *here.parents)[:_MOST_STEPS]:
        if (folder / ".git").exists():
            return str(folder)
    return ""
