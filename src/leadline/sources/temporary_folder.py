"""A folder that goes away however its user leaves it: at the end, by an error, by Ctrl-C, or by being told to end."""

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new empty folder, free of links in its path, readable by this user alone."""
    with (
        _ending_by_exception(),
        tempfile.TemporaryDirectory(prefix="leadline-", ignore_cleanup_errors=True) as folder,
    ):
        yield Path(os.path.realpath(folder))


@contextlib.contextmanager
def _ending_by_exception() -> Iterator[None]:
    """Signals that would end the process on the spot let it clean up first.

    Only where nobody else handles them, and only in the main thread, as Python wants it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
