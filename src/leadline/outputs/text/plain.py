"""Text that a terminal, a log and a table can carry, made of names that may hold anything."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from unicodedata import combining, east_asian_width

from leadline.packages.late_pattern import late_pattern

LONGEST = 300
"""Kubernetes allows names of 253 bytes; whatever is longer is not a name worth reading to its end."""

_LONGEST_LINE = 2_000
_ELLIPSIS = "…"

_CI_MARK = late_pattern(r"##(?=\[|vso\[|teamcity\[)|(?<![^\s.])::(?=[A-Za-z])", re.IGNORECASE)
"""What the logs of GitHub, Azure and TeamCity take for a command: ``##[…]``, ``##vso[…]`` and ``##teamcity[…]`` anywhere,
``::error::`` where a line begins, as any word may after wrapping. GitLab's begin with a line end and an escape.

Sources: https://github.com/actions/runner (ActionCommand.cs),
https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands,
https://www.jetbrains.com/help/teamcity/service-messages.html
"""


_FORMULA = ("=", "+", "-", "@", "\t")
"""What spreadsheets run when a cell begins with it."""


def plain(text: str, longest: int = LONGEST) -> str:
    """``text`` on one line, with ``?`` for every character that is not shown or steers a terminal.

    That takes out escape sequences, line ends, direction overrides and zero-width characters at once
    (``str.isprintable``: categories Other and Separator). Commands to the log of a pipeline get a blank into their mark.
    """
    if len(text) > longest:
        text = text[: longest - 1] + _ELLIPSIS
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " if c in "\t\n" else "?" for c in text)
    return without_commands(text) if "##" in text or "::" in text else text


def without_commands(text: str) -> str:
    """``text`` with a blank within the marks by which pipelines take commands from their logs."""
    return _CI_MARK.sub(lambda mark: f"{mark[0][0]} {mark[0][1]}", text)


def cell_text(text: str) -> str:
    """``text`` on one line that no spreadsheet takes for a formula."""
    shown = plain(text, 4096)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def plain_lines(text: str) -> str:
    """``text`` of several lines, such as a log's, each of them plain."""
    return "\n".join(plain(line, _LONGEST_LINE) for line in text.split("\n"))


def count(number: int, noun: str, nouns: str = "") -> str:
    """``1 object``, ``1,204 objects``."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def source_line(text: str) -> str:
    """A line of a file with its indentation kept: as ``plain``, tabs opened to one blank each."""
    return plain(text.rstrip("\r\n"), _LONGEST_LINE)


def value_text(value: Any) -> str:
    """A scalar as YAML writes it; collections in flow style, short ones only."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, str):
        return plain(value) or '""'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(value_text(v) for v in value[:20]) + (", …]" if len(value) > 20 else "]")
    if isinstance(value, dict):
        pairs = [f"{plain(str(k))}: {value_text(v)}" for k, v in list(value.items())[:20]]
        return "{" + ", ".join(pairs) + (", …}" if len(value) > 20 else "}")
    return plain(str(value))


def columns(text: str) -> int:
    """Columns that ``text`` takes in a terminal."""
    if text.isascii():
        return len(text)

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def clipped(text: str, width: int) -> str:
    """As much of ``text`` as ``width`` columns hold, ``…`` in the last of them where that is not all."""
    if columns(text) <= width:
        return text
    if text.isascii():
        return text[: max(0, width - 1)] + _ELLIPSIS
    kept = text[: max(0, width - 1)]
    while kept and columns(kept) > width - 1:
        kept = kept[:-1]
    return kept + _ELLIPSIS


def padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def and_more(number: int) -> str:
    """`` and 3 more`` behind a list that is not whole; empty where it is."""
    return f" and {number:,} more" if number > 0 else ""


def as_many(names: Sequence[str], room: int, most: int | None = None) -> str:
    """The first of ``names`` that there is room for, ``most`` at most, and how many more there are; empty where none fits."""
    for shown in range(min(most or len(names), len(names)), 0, -1):
        text = ", ".join(names[:shown]) + and_more(len(names) - shown)
        if columns(text) <= room:
            return text
    return ""


def labelled(label: str, text: str, width: int, indent: int = 12) -> Iterator[str]:
    """``text`` in lines beside a column of labels, which the first of them has."""
    for i, line in enumerate(wrapped(text, width - indent)):
        yield f"{'' if i else label:<{indent}}{line}"


def beside(left: str, right: str, width: int, gap: str = "  ") -> Iterator[str]:
    """Both on one line where it has room, else ``right`` in lines below."""
    line = f"  {left}{gap}{right}"
    if columns(line) <= width:
        yield line
    else:
        yield f"  {left}"
        yield from (f"    {part}" for part in wrapped(right, width - 4))


def wrapped(text: str, width: int) -> list[str]:
    """``text`` broken between words into lines of at most ``width`` columns; a longer word keeps a line of its own."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and columns(line) + 1 + columns(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines


_GAP = 2
_LEAST = 24
"""Columns that the last column needs, or it goes to lines of its own."""


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> Iterator[str]:
    """``header`` and ``rows``; the last column takes what is left and is broken between words.

    ``width`` is that of the terminal; ``None`` for a pipe, where each row is one line.
    """
    widths = [max(columns(row[i]) for row in (header, *rows)) for i in range(len(header) - 1)]
    left = sum(widths) + _GAP * len(widths)
    is_narrow = width is not None and width - left < _LEAST
    if is_narrow:
        yield from wrapped((" " * _GAP).join(header[:-1]), width or 0)
    for i, row in enumerate((header, *rows)):
        head = (" " * _GAP).join(padded(text, size) for text, size in zip(row, widths, strict=False))
        if width is None:
            yield f"{head}{' ' * _GAP}{row[-1]}".rstrip()
        elif not is_narrow:
            first, *more = wrapped(row[-1], width - left) or [""]
            yield f"{head}{' ' * _GAP}{first}".rstrip()
            yield from (" " * left + line for line in more)
        elif i:
            yield from wrapped(head, width) if columns(head.rstrip()) > width else [head.rstrip()]
            yield from (f"  {line}" for line in wrapped(row[-1], width - 2))


def broken_at(text: str, width: int) -> Iterator[str]:
    """``text`` as it is where it fits, else broken between words, further lines two columns to the right."""
    if columns(text) <= width:
        yield text
        return
    indent = " " * (len(text) - len(text.lstrip()))
    first, *more = wrapped(text, width - len(indent) - 2)
    yield indent + first
    yield from (f"{indent}  {line}" for line in more)


def command_lines(line: str, width: int) -> Iterator[str]:
    """A command on as many lines as it takes, each but the last ending as a shell wants it."""
    *broken, last = broken_at(line, width) if columns(line) <= width else broken_at(line, width - 2)
    yield from (f"{part} \\" for part in broken)
    yield last


def side_by_side(parts: Iterable[str], width: int, gap: str = "   ", indent: str = "") -> Iterator[str]:
    """Commands beside each other as far as there is room, the others on lines of their own."""
    line = ""
    for part in parts:
        if line and columns(line) + columns(gap) + columns(part) > width:
            yield from command_lines(line, width)
            line = indent + part
        else:
            line = f"{line}{gap}{part}" if line else part
    if line:
        yield from command_lines(line, width)


def broken_path(path: str, width: int, mark: str = ".") -> Iterator[str]:
    """A path over several lines if need be, broken after its dots, or another ``mark`` between its parts."""
    line = ""
    for part in path.replace(mark, f"{mark}\0").split("\0"):
        if line and columns(line) + columns(part) > width:
            yield line
            line = part
        else:
            line += part
    if line:
        yield line
