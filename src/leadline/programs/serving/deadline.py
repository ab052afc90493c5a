"""Ends an own rule that never ends: by an alarm, in the thread that may have one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from leadline.errors import TooLongError

LONGEST_S = 1.0
"""For one event."""


@contextmanager
def deadline() -> Iterator[None]:
    """What runs in it is interrupted by ``TooLongError`` after ``LONGEST_S``; not in other threads than the first, nor in C.

    Raises: ``TooLongError``.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _interrupt)
    try:
        # Again and again: what is interrupted may catch everything.
        signal.setitimer(signal.ITIMER_REAL, LONGEST_S, LONGEST_S)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _interrupt(number: int, frame: object) -> None:
    raise TooLongError
