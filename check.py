"""Runs every check of the project, the same here and in CI: ``python check.py [--quick | --local] [pytest arguments]``.

``--quick`` takes a minute: format, lint, types, imports, and the tests that start no process and open no socket.
``--local`` adds those with processes and servers on this machine, and leaves out clusters and builds.
Each step runs whatever the ones before it reported; the exit code is 0 only when all of them pass.
"""

import ast
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
SOURCE = ROOT / "src" / "leadline"
WORKERS = "4"
"""Twice the two cores that CI has: tests of clusters wait for most of their time."""
FILE_LINES, FUNCTION_LINES, ARGUMENTS = 500, 50, 5
"""Beyond these it is worth a second look; nothing fails."""


def checks() -> list[list[str]]:
    return [
        [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
        [str(BIN / "ruff"), "check", "--quiet", "."],
        [str(BIN / "lint-imports")],
        [str(BIN / "mypy")],
    ]


def tests(arguments: list[str]) -> list[str]:
    tier: list[str] = []
    for flag in ("quick", "local"):
        if f"--{flag}" in arguments:
            arguments.remove(f"--{flag}")
            tier = ["--tier", flag]
    return [sys.executable, "-m", "pytest", "-q", "-n", WORKERS, *tier, *arguments]


def main() -> int:
    environment = {**os.environ, "PYTHONPATH": "src"}

    def run(command: list[str], **streams: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=ROOT, env=environment, text=True, check=False, **streams)

    failed = []
    command = tests(sys.argv[1:])
    # The checks alongside the tests, and what they print when they have ended.
    with ThreadPoolExecutor(1) as alongside:
        checked = [
            alongside.submit(run, step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for step in checks()
        ]
        print(f"== {_name(command)}", flush=True)
        if run(command).returncode:
            failed.append(_name(command))
        for step, ended in zip(checks(), checked, strict=True):
            done = ended.result()
            print(f"== {_name(step)}\n{done.stdout}", end="", flush=True)
            if done.returncode:
                failed.append(_name(step))
    for line in (*sizes(), *advice()):
        print(line)
    for name in failed:
        print(f"failed: {name}", flush=True)
    return 1 if failed else 0


def sizes() -> list[str]:
    """Lines of each package of the source."""
    lines: Counter[str] = Counter()
    for path in SOURCE.rglob("*.py"):
        room = path.relative_to(SOURCE).parts
        lines["/".join(room[:2]) if room[0] == "programs" and len(room) > 2 else room[0]] += _lines(path)
    listed = ", ".join(
        f"{room} {number:,}" for room, number in lines.most_common() if not room.endswith(".py")
    )
    return [f"lines of src: {sum(lines.values()):,}: {listed}"]


def advice() -> list[str]:
    """What is longer than most; look whether it would read better in two."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if _lines(path) > FILE_LINES:
            found.append(f"long: {name}: {_lines(path)} lines")
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                docstring = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
                extra = ((docstring.end_lineno or 0) - docstring.lineno + 1) if docstring else 0
                lines = (node.end_lineno or node.lineno) - node.lineno + 1 - extra
                taken = [a for a in (*node.args.posonlyargs, *node.args.args) if a.arg not in ("self", "cls")]
                if lines > FUNCTION_LINES:
                    found.append(f"long: {name}: {node.name}: {lines} lines")
                if len(taken) > ARGUMENTS:
                    found.append(f"long: {name}: {node.name}: {len(taken)} arguments by position")
    return found


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _name(command: list[str]) -> str:
    return " ".join(Path(part).name if part.startswith("/") else part for part in command)


if __name__ == "__main__":
    sys.exit(main())
