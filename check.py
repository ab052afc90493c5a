"""Runs every check of the project, the same here and in CI: ``python check.py [pytest arguments]``.

Each step runs whatever the ones before it said; the exit code is 0 only when all of them pass.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent


def steps(pytest_arguments: list[str]) -> list[list[str]]:
    python = sys.executable
    return [
        [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
        [str(BIN / "ruff"), "check", "--quiet", "."],
        [str(BIN / "mypy")],
        [str(BIN / "lint-imports")],
        [python, "docs/build_reference.py", "--check"],
        [python, "-m", "pytest", "-q", "-n", "2", *pytest_arguments],
    ]


def main() -> int:
    environment = {**os.environ, "PYTHONPATH": "src"}
    failed = []
    for command in steps(sys.argv[1:]):
        name = " ".join(Path(part).name if part.startswith("/") else part for part in command)
        print(f"== {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            failed.append(name)
    for name in failed:
        print(f"failed: {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
