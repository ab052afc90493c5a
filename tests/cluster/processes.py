"""Starts programs in a folder of their own, stops them, and clears away what a killed run left."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PREFIX = "leadline-cluster-"
_LOCK = "lock"
_DIES_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")


_held: dict[Path, int] = {}


def hold(lock: Path) -> None:
    """Until ``release`` or the end of this process; a process id would mean nothing in another container."""
    # Locked before it has the name that others look for: a lock without a holder marks a leftover.
    unlocked = lock.with_name(f".{lock.name}-{os.getpid()}-{time.monotonic_ns()}")
    _held[lock] = os.open(unlocked, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    fcntl.flock(_held[lock], fcntl.LOCK_EX)
    unlocked.rename(lock)


def is_held(lock: Path) -> bool:
    """Whether a process that lives holds it; so does one whose lock has just gone."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def release(lock: Path) -> None:
    if (held := _held.pop(lock, None)) is not None:
        lock.unlink(missing_ok=True)
        os.close(held)


class NotReadyError(Exception):
    """A program ended early or did not get ready in time; holds the end of its log."""


class Program:
    """One child process; its output goes to ``NAME.log`` in the folder. It dies with the thread that started it, so start it from the main one."""

    def __init__(self, folder: Path, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        if shutil.which(_DIES_WITH_PARENT[0]):
            command = [*_DIES_WITH_PARENT, *command]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                command,
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (folder / f"{name}.pid").write_text(str(self._child.pid))

    def wait_until(self, is_ready: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not is_ready():
            try:
                self._child.wait(0.05)
            except subprocess.TimeoutExpired:
                if time.monotonic() < deadline:
                    continue
            raise self._not_ready()

    def check_running(self) -> None:
        """Raises ``NotReadyError`` where the program has ended."""
        if self._child.poll() is not None:
            raise self._not_ready()

    def _not_ready(self) -> NotReadyError:
        return NotReadyError(f"{self.name}: {self.log.read_text(errors='replace')[-3000:]}")

    def stop(self, seconds: float = 15.0) -> None:
        self._child.terminate()
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(seconds)

    def kill(self) -> None:
        """Without a goodbye."""
        self._child.kill()
        self._child.wait(15.0)

    def pause(self) -> None:
        self._child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._child.send_signal(signal.SIGCONT)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_folder() -> Path:
    """A temporary folder that a later run removes, should this one be killed."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    hold(folder / _LOCK)
    return folder


def clear_leftovers() -> None:
    """Ends the programs and removes the folders of runs that have ended."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{_LOCK}"):
        if not is_held(lock):
            remove(lock.parent)


def remove(folder: Path) -> None:
    """Kills what still runs out of ``folder``, undoes its mounts, and deletes it."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = str(folder).encode() in (process / "cmdline").read_bytes()
        except OSError:
            continue
        if is_ours and int(process.name) != os.getpid():
            _kill(int(process.name))
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
    release(folder / _LOCK)
    shutil.rmtree(folder, ignore_errors=True)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
