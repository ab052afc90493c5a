"""Runs the programs that render, each held to a time, a memory and an output, and never beyond them.

A child leads a process group of its own, which is killed whole: nothing it started survives it. It
sees no terminal, no cluster and, unless asked for, no network. It dies with the thread that started it.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

from msgspec import Struct

from leadline.sources.confinement import Confinement, Modes, confined

if sys.platform == "linux":
    import resource

Fate = Literal["ended", "out of time", "out of memory", "too much output", "crashed", "stopped"]

# Nothing listens on the discard port, so a request fails at once instead of leaving the machine.
_NO_PROXY_THERE = "http://127.0.0.1:9"
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
_CHUNK_BYTES = 1 << 16
_LOOK_UP_S = 0.2
"""How often a waiting reader looks whether it was stopped."""
_STDERR_BYTES = 1 << 20
# An orphan, left when this process was itself killed, ends by the processor time it has used.
_CPU_S = 900
_MEMORY_WORDS = ("out of memory", "cannot allocate memory", "MemoryError", "mmap errno 12")


# Shared by all commands that are not stopped; never set.
_NEVER = threading.Event()


NOT_STARTED = (126, 127)
"""Exit codes: of a shell whose program may not be run or is not there, and of a child that could not be confined."""
_UNCONFINED = Confinement(Modes("none", "open"))


class Limits(Struct, frozen=True):
    """What one child may use. Memory is what it writes to; address space alone is free.

    Go reserves 1.8 GB of addresses to use 80 MB, so the limit is ``RLIMIT_DATA``, not ``RLIMIT_AS``.
    """

    timeout_s: float = 30.0
    memory_bytes: int = 1 << 30
    output_bytes: int = 64 << 20
    file_bytes: int = 64 << 20
    """Of any one file that it writes."""


class Command(Struct, frozen=True):
    argv: tuple[str, ...]
    """The program by its absolute path, and its arguments."""
    folder: str
    environment: Mapping[str, str]
    stopped: threading.Event = _NEVER
    """Set by another thread, it ends the child at once."""
    confinement: Confinement = _UNCONFINED


class Outcome(Struct, frozen=True):
    fate: Fate
    code: int
    output: bytes
    complaint: str
    """What it wrote to its standard error, the first MiB at most."""

    @property
    def is_success(self) -> bool:
        return self.fate == "ended" and self.code == 0


def closed_environment(environment: Mapping[str, str], *, network: bool = False) -> dict[str, str]:
    """What a renderer may know of ``environment``: no cluster, no credentials, no prompt, no network."""
    kept = {name: environment[name] for name in _KEPT if name in environment}
    kept |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "KUBECONFIG": os.devnull,
        "HELM_NO_PLUGINS": "1",
        "LC_ALL": "C.UTF-8",
        # Renderers live briefly: a lazier collector saves a third of the time on large builds (measured).
        "GOGC": "400",
    }
    if not network:
        # What programs keep at home, credentials and plugins, is of no use to them here.
        kept["HOME"] = os.sep
        kept |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"), _NO_PROXY_THERE)
        kept |= {"https_proxy": _NO_PROXY_THERE, "NO_PROXY": "", "GIT_ALLOW_PROTOCOL": "none"}
    return kept


def run_child(command: Command, limits: Limits) -> Outcome:
    """The outcome of one run.

    Raises:
        OSError: the program cannot be started.
    """
    with Child(command, limits, reads_input=False) as child:
        output, fate = child.read_until(None, limits.timeout_s)
        return child.end(output, fate)


class Child:
    """A running child; leaving the ``with`` block kills it and all that it started."""

    def __init__(self, command: Command, limits: Limits, *, reads_input: bool = True) -> None:
        self._limits = limits
        self._stopped = command.stopped
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the child)
        self._left = b""
        argv = command.argv
        try:
            Path(argv[0]).stat()
            if sys.platform == "linux":
                argv = confined(argv, command.confinement, os.getpid())
            self._process = subprocess.Popen(
                argv,
                cwd=command.folder,
                env={**command.environment, "GOMEMLIMIT": str(limits.memory_bytes * 3 // 4)},
                stdin=subprocess.PIPE if reads_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=True,
            )
        except BaseException:
            self._stderr.close()
            raise
        _limit(self._process.pid, limits)

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def ask(self, line: bytes, timeout_s: float | None = None) -> tuple[bytes, Fate]:
        """Its answer to one line, without the line's end; any other fate than ``"ended"`` is its last.

        ``timeout_s``: for this answer; ``None`` for that of its limits.
        """
        stream = self._process.stdin
        if stream is None:
            return b"", "crashed"
        try:
            stream.write(line + b"\n")
            stream.flush()
        except OSError:
            return b"", "crashed"
        return self.read_until(b"\n", self._limits.timeout_s if timeout_s is None else timeout_s)

    def read_until(self, mark: bytes | None, timeout_s: float) -> tuple[bytes, Fate]:
        """What it writes up to ``mark``, or to its end where that is ``None``."""
        stream = self._process.stdout
        if stream is None:
            return b"", "crashed"
        deadline = time.monotonic() + timeout_s
        parts: list[bytes] = [self._left]
        size = len(self._left)
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while True:
                left_s = deadline - time.monotonic()
                if not selector.select(max(0.0, min(left_s, _LOOK_UP_S))):
                    if self._stopped.is_set() or left_s <= 0:
                        return b"".join(parts), "stopped" if self._stopped.is_set() else "out of time"
                    continue
                chunk = os.read(stream.fileno(), _CHUNK_BYTES)
                if not chunk:
                    return b"".join(parts), "ended" if mark is None else "crashed"
                size += len(chunk)
                if size > self._limits.output_bytes:
                    return b"".join(parts), "too much output"
                if mark is not None and mark in chunk:
                    head, _, self._left = chunk.partition(mark)
                    return b"".join([*parts, head]), "ended"
                parts.append(chunk)

    def end(self, output: bytes, fate: Fate) -> Outcome:
        """How it ended; it is killed unless it closed its output itself."""
        if fate in ("out of time", "too much output", "stopped"):
            self._kill()
        try:
            code = self._process.wait(timeout=self._limits.timeout_s)
        except subprocess.TimeoutExpired:
            self._kill()
            code = self._process.wait()
            fate = "out of time"
        complaint = self._complaint()
        if fate in ("ended", "crashed") and code != 0:
            fate = _fate_of(code, complaint, fate)
        return Outcome(fate, code, output, complaint)

    def _complaint(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read(_STDERR_BYTES).decode("utf-8", "replace").strip()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _fate_of(code: int, complaint: str, fate: Fate) -> Fate:
    if any(word in complaint for word in _MEMORY_WORDS):
        return "out of memory"
    if code == -signal.SIGXCPU:
        return "out of time"
    return "crashed" if code < 0 else fate


def _limit(pid: int, limits: Limits) -> None:
    """Holds ``pid`` to its limits; it has run only the start of its own program until now."""
    if sys.platform != "linux":
        return
    wanted: Sequence[tuple[int, int]] = (
        (resource.RLIMIT_DATA, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, most in wanted:
        with contextlib.suppress(ProcessLookupError, PermissionError, ValueError):
            resource.prlimit(pid, kind, (most, most))
