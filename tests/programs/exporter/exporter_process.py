"""The exporter as a process of its own."""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from processes import Program, free_port

ROOT = Path(__file__).parents[3]


class ExporterProcess:
    """Answers scrapes at ``address`` until it is stopped."""

    def __init__(self, folder: Path, store: str, *arguments: str) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        command = [
            *("env", f"PYTHONPATH={ROOT / 'src'}", sys.executable, "-m", "leadline.programs.cli.main"),
            *("exporter", f"--store={store}", "--host=127.0.0.1", f"--port={self.port}", *arguments),
        ]
        self._program = Program(folder, f"exporter-{self.port}", command)
        self.log = self._program.log

    def __enter__(self) -> "ExporterProcess":
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_until_ready(self) -> None:
        self._program.wait_until(lambda: self.get("/readyz")[0] == 200)

    def wait_until_shown(self, text: str, *, shown: bool = True) -> None:
        self._program.wait_until(lambda: (text in self.metrics()) == shown)

    @property
    def pid(self) -> int:
        return int((self.log.parent / f"exporter-{self.port}.pid").read_text())

    def stop(self) -> None:
        self._program.stop()

    def metrics(self) -> str:
        return self.get("/metrics")[1]

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Code and text; 0 where nobody listens yet."""
        request = urllib.request.Request(f"http://{self.address}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""


def checked(metrics: str) -> str:
    """What ``promtool check metrics`` complains about."""
    ran = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics, text=True, capture_output=True, check=False
    )
    return ran.stdout + ran.stderr
