"""A kubectl that goes on running while the test does other things."""

import subprocess
import threading
from types import TracebackType

from extension import Extension

PATIENCE_S = 30.0


class Watcher:
    def __init__(self, extension: Extension, *arguments: str) -> None:
        command = ["kubectl", f"--kubeconfig={extension.admin()}", *arguments]
        self._child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )
        self._killer = threading.Timer(PATIENCE_S, self._child.kill)
        self._killer.start()

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._killer.cancel()
        self._child.kill()
        self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()

    def line_with(self, word: str) -> str:
        """The next line that has ``word`` in it."""
        assert self._child.stdout is not None
        seen = []
        for line in self._child.stdout:
            if word in line:
                return line
            seen.append(line)
        raise AssertionError(f"no line with {word!r} in {seen}")

    def code(self) -> int:
        """With which it ends."""
        return self._child.wait(PATIENCE_S)
