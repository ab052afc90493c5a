"""Runs a program of the kubeconfig: its answer is bounded, and what it says to its user passes through us, line by line.

A program that writes to the terminal itself could steer it, and the logs of a pipeline take commands from it.
"""

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

MOST_ANSWER_BYTES = 4 << 20
MOST_SAID_BYTES = 64 << 10
_LINE_BYTES = 2_000
_CHUNK_BYTES = 1 << 16
_PAUSE_S = 0.2
"""After which a line without an end is taken for a question to the user."""


class Overtime(Exception):  # noqa: N818
    """It did not end in time."""


class Overlong(Exception):  # noqa: N818
    """Its answer is larger than any that makes sense."""


def run_plugin(
    argv: Sequence[str], environ: Mapping[str, str], said: Callable[[str], None], timeout_s: float
) -> tuple[int, bytes]:
    """Exit code and standard output. It reads our standard input; ``said`` is given what it writes to its standard error.

    Raises: ``OSError`` where it cannot be started, ``Overtime``, ``Overlong``.
    """
    deadline = time.monotonic() + timeout_s
    telling = _Telling(said)
    process = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    try:
        answer = _listen(process, telling, deadline)
        telling.pause()
        return process.wait(max(0.0, deadline - time.monotonic())), answer
    except subprocess.TimeoutExpired as error:
        raise Overtime from error
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _listen(process: subprocess.Popen[bytes], telling: "_Telling", deadline: float) -> bytes:
    answer = bytearray()
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            if time.monotonic() >= deadline:
                raise Overtime
            ready = selector.select(_PAUSE_S)
            if not ready:
                telling.pause()
                if process.poll() is not None:
                    break  # something that it started, such as a browser, holds the pipes open
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stderr:
                    telling.add(chunk)
                else:
                    answer += chunk
                    if len(answer) > MOST_ANSWER_BYTES:
                        raise Overlong(f"its answer is larger than {MOST_ANSWER_BYTES >> 20} MiB")
    return bytes(answer)


class _Telling:
    """Whole lines only: a command to a pipeline's log that comes in two parts must not be put together again."""

    def __init__(self, said: Callable[[str], None]) -> None:
        self._said = said
        self._left = b""
        self._most = MOST_SAID_BYTES

    def add(self, chunk: bytes) -> None:
        *lines, self._left = (self._left + chunk).split(b"\n")
        for line in lines:
            self._say(line)
        if len(self._left) > _LINE_BYTES:
            self.pause()

    def pause(self) -> None:
        """What was begun counts as a line."""
        if self._left:
            self._say(self._left)
            self._left = b""

    def _say(self, line: bytes) -> None:
        if self._most <= 0 or not line.strip():
            return
        self._most -= len(line) + 1
        self._said(line[:_LINE_BYTES].decode("utf-8", "replace").rstrip("\r"))
        if self._most <= 0:
            self._said(f"… what else it says is not shown, it is more than {MOST_SAID_BYTES >> 10} KiB")
