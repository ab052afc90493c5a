"""What the terminal can show, and what goes to stderr."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from leadline.outputs.text.plain import clipped, plain, wrapped

if TYPE_CHECKING:
    from leadline.outputs.redaction.values import SecretValues

PAGE_WIDTH, PIPE_WIDTH = 100, 80
"""Columns of a text, and of a table, where nothing says how wide it may be."""
_WIDTHS = range(40, 1000)
_LONGEST_LINE = 2_000


def width_of(environ: Mapping[str, str], *, is_terminal: bool, usual: int) -> int:
    """Columns to write in; ``usual`` where standard output is not terminal or knows none."""
    columns = environ.get("COLUMNS", "")
    if columns.isdecimal() and len(columns) < 5 and int(columns) in _WIDTHS:
        return int(columns)
    known = os.get_terminal_size(1).columns if is_terminal else 0
    # A terminal that was given no size, as in a container, says 0.
    return max(_WIDTHS.start, known) if known else usual


def page_width() -> int:
    """Columns for a text on standard output."""
    return width_of(os.environ, is_terminal=os.isatty(1), usual=PAGE_WIDTH)


def list_width() -> int | None:
    """Columns for a list; ``None`` in a pipe, where a row is a line, unless ``COLUMNS`` says otherwise."""
    width = width_of(os.environ, is_terminal=os.isatty(1), usual=0)
    return width or None


def wants_colour(environ: Mapping[str, str]) -> bool:
    """Whether the environment leaves colour on."""
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def at_words(lines: Iterable[str], stream: int, indent: str = "  ") -> Iterator[str]:
    """``lines`` wrapped at words where ``stream`` is a terminal, which would break within them; as they are elsewhere."""
    if not os.isatty(stream):
        yield from lines
        return
    known = width_of(os.environ, is_terminal=False, usual=0)
    width = known or max(_WIDTHS.start, os.get_terminal_size(stream).columns)
    for line in lines:
        start = line[: len(line) - len(line.lstrip())]
        first, *more = wrapped(line, width - len(start)) or [""]
        yield start + first
        rest = wrapped(" ".join(more), max(width - len(start + indent), 20)) if more else []
        yield from (f"{start}{indent}{one}" for one in rest)


def say_plainly(text: str) -> None:
    """A line on stderr that others wrote, without secrets and without what steers a terminal or a pipeline."""
    from leadline.outputs.redaction.shapes import redacted_text  # seldom does anybody say anything

    sys.stderr.write(f"{plain(redacted_text(text), _LONGEST_LINE)}\n")
    sys.stderr.flush()


def configure_log(*, is_debug: bool, secrets: "SecretValues | None" = None) -> None:
    """A log on stderr for ``--debug``; otherwise silence: what went wrong is named among what was not read.

    The log shows neither ``secrets``, which may still grow, nor what looks like one.
    """
    if is_debug:
        # A tenth of the start of a scan.
        from leadline.programs.serving.log import debug_to_stderr

        debug_to_stderr(secrets)


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
