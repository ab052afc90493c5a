"""Builds the program that reads a report into the reference's own types: ``python tests/reference_types/build.py``.

It is kept below ``~/.cache/leadline`` under a name that follows from its source. With empty caches a build takes some
140 seconds of CPU time: the types stand on the whole of Kubernetes' client library.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
MAX_BUILD_S = 1800


class MissingError(Exception):
    """The program is not there, and cannot be built."""


def program() -> Path:
    """The kept program, built where it is not there yet.

    Raises: ``MissingError``.
    """
    source = b"".join((HERE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    folder = (
        Path.home() / ".cache" / "leadline" / f"reference-types-{hashlib.sha256(source).hexdigest()[:12]}"
    )
    kept = folder / "report"
    if os.access(kept, os.X_OK):
        return kept
    if shutil.which("go") is None:
        raise MissingError("the reader of reports is not built and there is no Go")
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"report.{os.getpid()}"
    run = subprocess.run(
        ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(unfinished), "."],
        cwd=HERE,
        env={**os.environ, "GOFLAGS": "-buildvcs=false -mod=readonly"},
        capture_output=True,
        text=True,
        timeout=MAX_BUILD_S,
        check=False,
    )
    if run.returncode:
        unfinished.unlink(missing_ok=True)
        raise MissingError(f"go build failed: {run.stderr.strip()[-500:]}")
    unfinished.rename(kept)
    return kept


if __name__ == "__main__":
    try:
        print(program())
    except MissingError as error:
        sys.exit(str(error))
