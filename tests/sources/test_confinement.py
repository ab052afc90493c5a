import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from leadline.sources.child_process import Command, Limits, Outcome, run_child
from leadline.sources.confinement import Confinement, Modes, offered_modes, python_folders

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux can take rights away from a process"
)
OFFERED = offered_modes() if sys.platform == "linux" else Modes()
needs_landlock = pytest.mark.skipif(OFFERED.files != "landlock", reason="this kernel has no Landlock")
needs_namespace = pytest.mark.skipif(
    OFFERED.network != "namespace", reason="no network namespaces for this user"
)

CONNECT = (
    "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5); print('connected')"
)


def run(
    program: str, modes: Modes, *words: str, readable: tuple[str, ...] = (), writable: tuple[str, ...] = ()
) -> Outcome:
    confinement = Confinement(modes, readable, writable, python_folders())
    command = Command((sys.executable, "-c", program, *words), "/", {}, confinement=confinement)
    return run_child(command, Limits())


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@needs_landlock
def test_files_outside_are_closed_and_those_inside_are_read(tmp_path: Path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside/a").write_text("yes")
    (tmp_path / "outside").write_text("no")
    read = "import sys; print(open(sys.argv[1]).read())"
    modes, inside = Modes("landlock", "open"), str(tmp_path / "inside")
    assert run(read, modes, f"{inside}/a", readable=(inside,)).output == b"yes\n"
    assert "PermissionError" in run(read, modes, str(tmp_path / "outside"), readable=(inside,)).complaint
    (tmp_path / "inside/link").symlink_to(tmp_path / "outside")
    assert "PermissionError" in run(read, modes, f"{inside}/link", readable=(inside,)).complaint


@needs_landlock
def test_what_is_readable_is_not_written_nor_run(tmp_path: Path):
    script = tmp_path / "x"
    script.write_text("#!/bin/sh\necho ran\n")
    script.chmod(0o755)
    modes, inside = Modes("landlock", "open"), (str(tmp_path),)
    write = f"open({str(tmp_path / 'new')!r}, 'w')"
    assert "PermissionError" in run(write, modes, readable=inside).complaint
    start = f"import subprocess; subprocess.run([{str(script)!r}])"
    assert "PermissionError" in run(start, modes, readable=inside).complaint
    assert run(write, modes, writable=inside).is_success


@pytest.mark.parametrize(
    "network",
    [
        pytest.param("namespace", marks=needs_namespace),
        pytest.param("landlock", marks=needs_landlock),
    ],
)
def test_a_closed_network_reaches_not_even_this_machine(network, port: str):
    outcome = run(CONNECT, Modes("none", network), port)
    assert not outcome.is_success
    assert "connect" in outcome.complaint
    assert run(CONNECT, Modes("none", "open"), port).output == b"connected\n"


@needs_landlock
@needs_namespace
def test_both_together_leave_python_at_work(tmp_path: Path):
    assert run("import json, ssl; print(json.dumps(1))", Modes("landlock", "namespace")).output == b"1\n"


def test_without_either_the_program_runs_as_it_is(port: str):
    assert run(CONNECT, Modes("none", "none"), port).output == b"connected\n"


def test_a_child_ends_with_the_process_that_waits_for_it():
    """Killed outright, it has no time to end its children itself."""
    program = (
        "import sys, threading\n"
        "from leadline.sources.child_process import Child, Command, Limits\n"
        "command = Command((sys.executable, '-c', 'print(1, flush=True); import time; time.sleep(60)'), '/', {})\n"
        "child = Child(command, Limits())\n"
        "child.read_until(b'\\n', 30.0)\n"
        "print(child._process.pid, flush=True)\n"
        "threading.Event().wait()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        descriptor = os.pidfd_open(child)
        parent.kill()
        import select

        ended, _, _ = select.select([descriptor], [], [], 30.0)
        os.close(descriptor)
        assert ended


def test_a_confinement_that_cannot_be_entered_starts_nothing():
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            str(Path("src/leadline/sources/confined_start.py").resolve()),
            "1",
            "none",
            "open",
            "0",
            "0",
            "0",
            "/bin/echo",
        ],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (126, b"")
