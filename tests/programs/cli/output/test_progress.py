"""What takes long shows that it goes on: on a terminal alone, and not with --quiet."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import leadline
from leadline.outputs.text.plain import columns
from leadline.programs.cli.output.terminal import progress

LEADLINE = [sys.executable, "-m", "leadline.programs.cli.main"]
ENDS_AFTER_S = 60
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: c
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "{0}"}}}}]
users: [{{name: u, user: {{}}}}]
"""


class Slow:
    """A server that answers no one until ``answer`` is set."""

    def __init__(self) -> None:
        answer = self.answer = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer.wait(ENDS_AFTER_S)
                self.send_error(404)

            def log_message(self, *words: object) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def slow() -> Iterator[Slow]:
    server = Slow()
    yield server
    server.answer.set()
    server.http.shutdown()
    server.http.server_close()


COMMANDS = (
    ["db", "update", "{address}/db/", "--allow-unsigned", "-o", "v.db"],
    ["get", "runs", "--kubeconfig", "config"],
    ["scan", "--kubeconfig", "config"],
    ["waiver", "test", "w.yaml", "--kubeconfig", "config"],
    ["diff", "p.yaml", "cluster", "--kubeconfig", "config"],
)
SHOWN = re.compile(
    r"\r\x1b\[K(asking http|reading kube|reading the cluster|scanning|comparing p.yaml).* … \d+ s"
)


def asked(folder: Path, slow: Slow, words: list[str]) -> list[str]:
    (folder / "config").write_text(KUBECONFIG.format(slow.address))
    (folder / "w.yaml").write_text("waivers: [{reason: r, match: {controls: [C-0057]}}]")
    (folder / "p.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: x}]}"
    )
    return [word.format(address=slow.address) for word in words]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_who_waits_at_a_terminal_sees_what_for(tmp_path: Path, slow: Slow, words: list[str]):
    words = asked(tmp_path, slow, words)
    terminal, end = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": str(Path(leadline.__file__).parents[1])}
    with subprocess.Popen(
        [*LEADLINE, *words], cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL, stderr=end
    ) as process:
        os.close(end)
        seen = b""
        ends = time.monotonic() + ENDS_AFTER_S
        while b" s" not in seen:
            left = ends - time.monotonic()
            assert left > 0, seen
            if select.select([terminal], [], [], left)[0]:
                seen += os.read(terminal, 4096)
        slow.answer.set()
        process.kill()
    os.close(terminal)
    assert SHOWN.match(seen.decode())


def test_a_pipe_sees_nothing_of_it_nor_does_a_terminal_with_quiet():
    """Nothing is started that could write."""
    threads = threading.active_count()
    read, write = os.pipe()
    terminal, end = pty.openpty()
    kept = os.dup(2)
    try:
        for stream, is_wanted, more in ((write, True, 0), (end, False, 0), (end, True, 1)):
            os.dup2(stream, 2)
            with progress("scanning", is_wanted=is_wanted):
                assert threading.active_count() == threads + more
    finally:
        os.dup2(kept, 2)
        for one in (kept, read, write, terminal, end):
            os.close(one)


WAITS = "import sys; from leadline.programs.cli.output.terminal import progress\nwith progress(sys.argv[1], is_wanted=True): sys.stdin.read()"


@pytest.mark.parametrize("width", [10, 60, 80, 200, 0])
@pytest.mark.parametrize("what", ["深x" * 300, "a\nb\x1b[2J" * 40])
def test_one_line_of_a_terminal_of_any_width_holds_it(width: int, what: str):
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environ = {**os.environ, "PYTHONPATH": str(Path(leadline.__file__).parents[1])}
    command = [sys.executable, "-c", WAITS, what]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stderr=end) as process:
        os.close(end)
        assert select.select([terminal], [], [], ENDS_AFTER_S)[0]
        seen = os.read(terminal, 4096).decode()
        process.kill()
    os.close(terminal)
    line = seen.removeprefix("\r\x1b[K").partition("\r")[0]
    assert line.isprintable()
    assert 1 <= columns(line) < (width or 80)
    assert line.endswith(" s")
