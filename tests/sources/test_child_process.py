import os
import select
import sys
import threading
from pathlib import Path

import pytest

from leadline.sources.child_process import Child, Command, Limits, Outcome, closed_environment, run_child
from leadline.sources.temporary_folder import temporary_folder


def python(program: str, stopped: threading.Event | None = None) -> Command:
    argv = (sys.executable, "-c", program)
    return Command(argv, "/", {}, stopped) if stopped else Command(argv, "/", {})


def test_output_complaint_and_code_are_kept() -> None:
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert run_child(python(program), Limits()) == Outcome("ended", 3, b"out\n", "err")


@pytest.mark.parametrize(
    ("program", "limits", "fate"),
    [
        ("while True: pass", Limits(timeout_s=0.3), "out of time"),
        ("print('x' * 100_000)", Limits(output_bytes=1_000), "too much output"),
        ("import os; os.abort()", Limits(), "crashed"),
    ],
)
def test_child_beyond_its_limits_is_ended(program: str, limits: Limits, fate: str) -> None:
    outcome = run_child(python(program), limits)
    assert (outcome.fate, outcome.is_success) == (fate, False)
    assert len(outcome.output) <= limits.output_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process writes to")
def test_memory_is_limited_but_address_space_is_not() -> None:
    limits = Limits(memory_bytes=200 << 20)
    reserve = "import mmap; m = mmap.mmap(-1, 2 << 30, prot=mmap.PROT_READ); print(len(m))"
    assert run_child(python(reserve), limits).output == b"2147483648\n"
    assert run_child(python("x = bytearray(400 << 20)"), limits).fate == "out of memory"


def test_file_beyond_its_size_is_not_written(tmp_path: Path) -> None:
    program = f"open({str(tmp_path / 'big')!r}, 'wb').write(bytes(2_000_000))"
    assert not run_child(python(program), Limits(file_bytes=1_000_000)).is_success
    assert (tmp_path / "big").stat().st_size <= 1_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a process that is not its own")
def test_nothing_that_a_child_started_survives_it() -> None:
    program = (
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], stdout=subprocess.DEVNULL)\n"
        "print(p.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with Child(python(program), Limits()) as child:
        output, _ = child.read_until(b"\n", 30.0)
        grandchild = os.pidfd_open(int(output))
    ended, _, _ = select.select([grandchild], [], [], 30.0)
    os.close(grandchild)
    assert ended == [grandchild]


def test_child_answers_line_by_line_until_it_dies() -> None:
    program = (
        "import sys\n"
        "for line in sys.stdin:\n"
        "    if line == 'die\\n': sys.exit(7)\n"
        "    print(line.upper(), end='', flush=True)\n"
    )
    with Child(python(program), Limits()) as child:
        assert child.ask(b"one") == (b"ONE", "ended")
        assert child.ask(b"two") == (b"TWO", "ended")
        assert child.ask(b"die") == (b"", "crashed")
        assert child.end(b"", "crashed") == Outcome("crashed", 7, b"", "")
        assert child.ask(b"three") == (b"", "crashed")


def test_stopping_ends_a_waiting_child() -> None:
    stopped = threading.Event()
    command = python("print('ready', flush=True); import time; time.sleep(60)", stopped)
    with Child(command, Limits(), reads_input=False) as child:
        assert child.read_until(b"\n", 30.0) == (b"ready", "ended")
        threading.Timer(0.05, stopped.set).start()
        output, fate = child.read_until(None, 30.0)
        assert child.end(output, fate).fate == "stopped"


def test_renderer_sees_neither_cluster_nor_credentials_nor_network() -> None:
    environment = {
        "PATH": "/bin",
        "HOME": "/h",
        "KUBECONFIG": "/h/k",
        "GITHUB_TOKEN": "t",
        "https_proxy": "p",
    }
    closed = closed_environment(environment)
    assert (closed["PATH"], closed["HOME"], closed["KUBECONFIG"]) == ("/bin", os.sep, os.devnull)
    assert "GITHUB_TOKEN" not in closed
    assert {closed[n] for n in ("http_proxy", "https_proxy", "HTTPS_PROXY")} == {"http://127.0.0.1:9"}
    assert closed["GIT_ALLOW_PROTOCOL"] == "none"
    assert not {"http_proxy", "GIT_ALLOW_PROTOCOL"} & set(closed_environment(environment, network=True))


def test_absent_program_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        run_child(Command(("/nonexistent/helm",), "/", {}), Limits())


def test_temporary_folder_goes_away_after_an_error() -> None:
    seen: list[Path] = []

    def fail() -> None:
        with temporary_folder() as folder:
            (folder / "read-only").mkdir(mode=0o500)
            seen.append(folder)
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert not seen[0].exists()
