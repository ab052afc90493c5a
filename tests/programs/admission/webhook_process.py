"""``leadline admission`` as a process of its own."""

import http.client
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from certificates import Authority
from processes import free_port

ROOT = Path(__file__).parents[3]
HOST = "127.0.0.1"


class WebhookProcess:
    """Answers at ``port`` until it is stopped; its CA is ``authority``'s, or one of its own with ``own_host``."""

    def __init__(self, folder: Path, *arguments: str, own_host: str = "") -> None:
        self.port, self.metrics_port = free_port(), free_port()
        self.log_file = folder / f"admission-{self.port}.log"
        self.authority = Authority(folder, f"webhook-ca-{self.port}")
        certificate, key = self.authority.issue(f"webhook-{self.port}", "webhook", hosts=(HOST,))
        command = [
            *(sys.executable, "-m", "leadline.programs.cli.main", "admission"),
            "--drain-s=0",
            *(f"--host={HOST}", f"--port={self.port}", f"--metrics-port={self.metrics_port}"),
            *(
                [f"--own-certificate-for={own_host}"]
                if own_host
                else [f"--certificate={certificate}", f"--key={key}"]
            ),
            *arguments,
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        with self.log_file.open("ab") as log:
            self.child = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def __enter__(self) -> "WebhookProcess":
        self.until(lambda: self.shown("/readyz")[0] == 200)
        return self

    def __exit__(self, *_: object) -> None:
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def until(self, is_so: "object", seconds: float = 60.0) -> None:
        """Fails with the end of the log where it does not come about, or the process ends."""
        assert callable(is_so)
        deadline = time.monotonic() + seconds
        while not is_so():
            try:
                self.child.wait(0.05)
            except subprocess.TimeoutExpired:
                assert time.monotonic() < deadline, self.log[-3000:]
                continue
            raise AssertionError(self.log[-3000:])

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code."""
        self.child.send_signal(number)
        return self.child.wait(20)

    def shown(self, path: str) -> tuple[int, str]:
        """Code and text of the port for numbers; 0 where no one listens yet."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.metrics_port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def connection(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=self.authority.file)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return http.client.HTTPSConnection(HOST, self.port, context=context, timeout=20)

    def send(self, content: bytes, path: str = "/validate") -> tuple[int, bytes]:
        connection = self.connection()
        try:
            connection.request("POST", path, content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def number(self, line: str) -> float:
        """The value of a series; 0 where it is not there."""
        rows = [row for row in self.shown("/metrics")[1].splitlines() if row.startswith(f"{line} ")]
        return float(rows[0].rpartition(" ")[2]) if rows else 0.0
