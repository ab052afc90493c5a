"""A sign of life on stderr for a user who waits longer than a second; it leaves nothing behind."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from leadline.outputs.text.plain import clipped, plain

_FIRST_S = 1.0
_EVERY_S = 0.5
_CLEAR = "\r\x1b[K"
_WIDEST = 80
_LONGEST = 4096


class Display:
    """What a waiting user sees. Nothing where no one watches."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._done = Event()
        self._watcher: Thread | None = None

    def start(self) -> None:
        self._watcher = Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def say(self, what: str) -> None:
        """Shows ``what`` from now on."""
        self._what = what

    def end(self) -> None:
        """Takes the line away; results may follow."""
        if self._watcher is not None:
            self._done.set()
            self._watcher.join()
            self._watcher = None

    def _watch(self) -> None:
        if self._done.wait(_FIRST_S):
            return
        seconds = _FIRST_S
        while True:
            time = f" … {int(seconds)} s"
            # One line of the terminal: of a second one the first would stay behind.
            try:
                found = os.get_terminal_size(2).columns
            except OSError:
                found = 0
            room = min(found or _WIDEST, _WIDEST) - 1 - len(time)
            what = clipped(plain(self._what, _LONGEST), max(1, room))
            sys.stderr.write(f"{_CLEAR}{what}{time}")
            sys.stderr.flush()
            if self._done.wait(_EVERY_S):
                sys.stderr.write(_CLEAR)
                sys.stderr.flush()
                return
            seconds += _EVERY_S


@contextmanager
def progress(what: str, *, is_wanted: bool) -> Iterator[Display]:
    """Shows ``what`` and the seconds gone by, on a terminal only."""
    display = Display(what)
    if is_wanted and os.isatty(2):
        display.start()
    try:
        yield display
    finally:
        display.end()
