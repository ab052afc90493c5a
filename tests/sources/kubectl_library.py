"""Reads many files as kubectl does, by one process of the library that kubectl is made of (``kubectl_reader/main.go``)."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "kubectl_reader"
MAX_BUILD_S = 1800


class MissingError(Exception):
    """The program is not there, and cannot be built."""


def program() -> Path:
    """The kept program, built where it is not there yet: some 60 s of CPU time with empty caches.

    Raises: ``MissingError``.
    """
    source = b"".join((HERE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    name = f"kubectl-reader-{hashlib.sha256(source).hexdigest()[:12]}"
    kept = Path.home() / ".cache" / "leadline" / name / "kubectl-reader"
    if os.access(kept, os.X_OK):
        return kept
    if shutil.which("go") is None:
        raise MissingError("the reader by kubectl's library is not built and there is no Go")
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_name(f"unfinished.{os.getpid()}")
    run = subprocess.run(
        ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(unfinished), "."],
        cwd=HERE,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -mod=readonly"},
        capture_output=True,
        text=True,
        timeout=MAX_BUILD_S,
        check=False,
    )
    if run.returncode:
        raise MissingError(f"go build failed: {run.stderr.strip()[-500:]}")
    unfinished.rename(kept)
    return kept


class Library:
    """One process, asked for one file after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [program()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> "Library":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(60)

    def read(self, paths: Sequence[Path]) -> Iterator[list[dict[str, Any]]]:
        """The objects of each file, as far as they could be read."""
        for path in paths:
            self._process.stdin.write(f"{path}\n".encode())
            self._process.stdin.flush()
            line = self._process.stdout.readline()
            if not line:
                raise RuntimeError(f"the library ended at {path}")
            yield json.loads(line)["objects"]


if __name__ == "__main__":
    try:
        print(program())
    except MissingError as error:
        sys.exit(str(error))
