"""What the terminal can show, and what goes to stderr."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from leadline.outputs.text.plain import plain, wrapped

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
