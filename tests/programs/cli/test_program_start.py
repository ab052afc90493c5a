"""What only a process of its own shows: what is imported, signals, pipes."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import leadline
from leadline.programs.cli import main as main_module

LEADLINE = [sys.executable, "-m", "leadline.programs.cli.main"]
POD = b"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: x}]}\n---\n"


def test_the_version_needs_none_of_the_libraries():
    script = (
        "import sys\nfrom leadline.programs.cli.main import main\nmain(['--version'])\n"
        "print(sorted({'click', 'msgspec', 'yaml', 'rich', 'orjson', 'logging', 're'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"leadline {leadline.__version__}\n[]\n"


SLOW = "ast asyncio dataclasses hashlib httpx2 inspect ipaddress json orjson platform rich sqlite3 typing_extensions leadline.sbom.dockerfile.faults"
"""What takes long to import, and the scan of a file does without."""


def test_a_scan_in_a_pipe_needs_neither_a_terminal_library_nor_what_takes_long_to_import(tmp_path: Path):
    (tmp_path / "p.yaml").write_bytes(POD)
    script = (
        "import sys\nfrom leadline.programs.cli.main import main\n"
        f"main(['scan', {str(tmp_path / 'p.yaml')!r}, '-q'])\n"
        # Something stands in for some until they are used.
        "real = {name for name, one in sys.modules.items() if type(one).__name__ != 'LateModule'}\n"
        "print(sorted(set(sys.argv) & real), file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, *SLOW.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


OF_EXTRAS = ("asyncpg", "cronsim", "httptools", "mcp", "prometheus_client", "uvicorn", "uvloop")
"""What programs of a cluster and of assistants need; the agent works without."""


@pytest.mark.parametrize("name", sorted(main_module.SERVERS.keys() - {"agent", "unregister"}))
def test_a_program_whose_libraries_are_not_installed_says_how_to_get_them(name: str):
    script = (
        f"import sys\nsys.modules.update(dict.fromkeys({OF_EXTRAS!r}))\n"
        f"from leadline.programs.cli.main import main\nsys.exit(main([{name!r}, '--help']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"leadline: {name} needs ")
    extra = main_module.EXTRAS.get(name, "cluster")
    assert done.stderr.endswith(f", which is not installed; pip install 'leadline[{extra}]' brings it\n")


def test_the_reader_may_leave_at_any_time(tmp_path: Path):
    (tmp_path / "many.yaml").write_bytes(POD * 2000)
    process = subprocess.Popen(
        [*LEADLINE, "scan", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(str(tmp_path).encode())
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == main_module.READER_LEFT


def test_an_interrupt_is_one_line():
    process = subprocess.Popen(
        [*LEADLINE, "scan", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    # More than a pipe holds: once this returns, the program is up and reading.
    process.stdin.write(POD * 2000)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (main_module.INTERRUPTED, b"leadline: interrupted\n")


def test_a_full_disk_is_told():
    full = Path("/dev/full")
    if not full.exists():
        return
    with full.open("w") as stream:
        done = subprocess.run(
            [*LEADLINE, "scan", "-"], input=POD, stdout=stream, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (
        3,
        b"leadline: cannot write standard output: no space left on device\n",
    )


@pytest.mark.parametrize(
    ("redirection", "code", "out", "err"),
    [
        (">&-", 3, "", "leadline: standard output is closed; --output takes a file\n"),
        ("<&-", 3, "", "leadline: nothing to judge in standard input: it is empty\n"),
        ("2>&- <pod.yaml -q", 0, "-:4:21: ", ""),
        ("2>&- <&-", 3, "", ""),
        (">&- <pod.yaml --output /dev/null", 0, "", "written: /dev/null"),
    ],
)
def test_closed_streams_are_no_fault(tmp_path: Path, redirection: str, code: int, out: str, err: str):
    (tmp_path / "pod.yaml").write_bytes(POD)
    line = f"{shlex.join(LEADLINE)} scan - {redirection}"
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[: len(out) or None], done.stderr[: len(err) or None]) == (
        code,
        out,
        err,
    )


def test_the_version_survives_a_closed_output():
    line = f"{shlex.join(LEADLINE)} --version >&-"
    assert subprocess.run(line, shell=True, capture_output=True, check=False).stderr == b""


FAULTY = '''"""Raises."""

from leadline.posture.control import Violations, Workload, control


@control("X-1", "Faulty", score=9.0, category="Workload")
def faulty(workload: Workload) -> Violations:
    raise SystemError("boom")
    yield
'''


@pytest.mark.parametrize("error", ["SystemError", "SystemExit"])
def test_a_fault_in_a_control_is_an_unread_part_and_a_traceback_only_when_debugging(
    tmp_path: Path, error: str
):
    (tmp_path / "faulty.py").write_text(FAULTY.replace("SystemError", error))
    words = [*LEADLINE, "scan", "control", "X-1", "-", "--controls", str(tmp_path)]
    done = subprocess.run(words, input=POD, capture_output=True, check=False)
    assert done.returncode == 3
    assert b"X-1 could not judge it" in done.stdout
    assert b"Traceback" not in done.stderr
    done = subprocess.run([*words, "--debug"], input=POD, capture_output=True, check=False)
    assert f"{error}: boom".encode() in done.stderr


WAITING = '''"""Waits."""

import sys

from leadline.posture.control import Violations, Workload, control


@control("X-1", "Waiting", score=9.0, category="Workload")
def waiting(workload: Workload) -> Violations:
    print("judging", file=sys.stderr, flush=True)
    sys.stdin.read()
    yield
'''


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_was_fetched_goes_away_when_the_program_is_told_to_end(tmp_path: Path, number: int):
    repository, controls, temporary = (tmp_path / name for name in ("shop", "controls", "tmp"))
    for folder in (repository, controls, temporary):
        folder.mkdir()
    (repository / "pod.yaml").write_bytes(POD)
    (controls / "waiting.py").write_text(WAITING)
    git = ["git", "-c", "user.name=shop", "-c", "user.email=shop@shop.example"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], cwd=repository, check=True)
    words = ["scan", "control", "X-1", f"file://{repository}", "--controls", str(controls)]
    with subprocess.Popen(
        [*LEADLINE, *words],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"judging\n"
        fetched = list(temporary.iterdir())
        process.send_signal(number)
        process.wait(timeout=60)
    assert len(fetched) == 1
    assert list(temporary.iterdir()) == []
    assert process.returncode == 128 + number
