"""Programs that check files of build servers."""

import os
import shutil
import sys
from pathlib import Path

import pytest

ACTIONLINT = "1.7.12"
"""Built from its Go module by ``.ci/run`` and kept, as no package of Python or Debian has it."""


def found(name: str) -> str:
    """Where the program is: beside this Python, where ``.ci/run`` keeps it, or on the PATH. Skips where it is nowhere."""
    kept = Path.home() / ".cache" / "leadline" / f"{name}-{ACTIONLINT}"
    path = os.pathsep.join((str(Path(sys.executable).parent), str(kept), os.environ["PATH"]))
    program = shutil.which(name, path=path)
    if program is None:
        pytest.skip(f"{name} is not installed")
    return program
