"""A sign of life on stderr for whoever waits longer than a second; it leaves nothing behind."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from leadline.outputs.plain import plain

_FIRST_S = 1.0
_EVERY_S = 0.5
_CLEAR = "\r\x1b[K"


@contextmanager
def progress(what: str, *, is_wanted: bool) -> Iterator[None]:
    """Shows ``what`` and the seconds gone by, on a terminal only."""
    if not is_wanted or not os.isatty(2):
        yield
        return
    done = Event()
    watcher = Thread(target=_watch, args=(plain(what, 60), done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _watch(what: str, done: Event) -> None:
    if done.wait(_FIRST_S):
        return
    seconds = _FIRST_S
    while True:
        sys.stderr.write(f"{_CLEAR}{what} … {int(seconds)} s")
        sys.stderr.flush()
        if done.wait(_EVERY_S):
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            return
        seconds += _EVERY_S
