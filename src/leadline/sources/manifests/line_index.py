"""The spots of a document whose body is known, found from its lines alone.

A document that was read once needs no second parse if it is written plainly: one key or item to a line, in the
order of the body. Every line is held against the body; at the first that is not as expected the answer is ``None``
and the events of the parser have to show.
"""

from typing import Any

from msgspec import Struct

_DEEPEST = 60
_SCALARS = (str, int, float, bool, type(None))


class Mark(Struct, frozen=True, gc=False):
    """Counted from 0, as the parser's own marks are."""

    line: int
    column: int


class _UnexpectedError(Exception):
    """A line is not what the body says."""


def line_spots(text: bytes, body: dict[str, Any]) -> Any:
    """The same spots as those of the parser: a mark, or a mark and what is below it; ``None`` where it cannot be known."""
    try:
        whole = text.decode("ascii")
    except UnicodeDecodeError:
        return None
    if "\t" in whole or "\r" in whole:
        return None
    lines = _Lines(whole.split("\n"))
    try:
        indent = lines.indent()
        spot = (Mark(lines.at, indent), lines.mapping(body, indent, 0))
        return spot if lines.is_at_end() else None
    except (_UnexpectedError, IndexError):
        return None


class _Lines:
    """A walk down the lines of one document."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self.at = -1
        self._text = ""
        """The line at hand without its indentation."""
        self._indent = 0
        self._next()
        if self._text == "---" and self._indent == 0:
            self._next()

    def indent(self) -> int:
        return self._indent

    def is_at_end(self) -> bool:
        return self.at >= len(self._lines)

    def _next(self) -> None:
        """To the next line that says something; the indentation of the end is -1."""
        while True:
            self.at += 1
            if self.at >= len(self._lines):
                self._text, self._indent = "", -1
                return
            line = self._lines[self.at]
            text = line.lstrip(" ")
            if text and text[0] != "#":
                self._text, self._indent = text, len(line) - len(text)
                return

    def _skip_deeper(self, indent: int) -> None:
        """Past the lines of a text that is written over several."""
        self._next()
        while self._indent > indent:
            self._next()

    def mapping(self, body: dict[str, Any], indent: int, depth: int) -> dict[str, Any]:
        if depth > _DEEPEST:
            raise _UnexpectedError
        spots: dict[str, Any] = {}
        for key, value in body.items():
            text = self._text
            if self._indent != indent or not text.startswith(key) or text[len(key) : len(key) + 1] != ":":
                raise _UnexpectedError
            mark, rest = Mark(self.at, indent), text[len(key) + 1 :]
            if rest and rest[0] != " ":
                raise _UnexpectedError
            inner = self._value(value, rest.lstrip(" "), indent, depth)
            spots[key] = mark if inner is None else (mark, inner)
        return spots

    def _value(self, value: Any, rest: str, indent: int, depth: int) -> Any:
        """What is below a key whose line continues with ``rest``; moves on to the line after it."""
        if isinstance(value, _SCALARS):
            if rest[:1] in ("&", "*", "!") or (not rest and value is not None):
                raise _UnexpectedError
            self._skip_deeper(indent)
            return None
        if rest and rest[0] != "#":
            return self._empty(value, rest, indent)
        self._next()
        if isinstance(value, dict) and value and self._indent > indent:
            return self.mapping(value, self._indent, depth + 1)
        if isinstance(value, list) and value and self._indent >= indent:
            return self._sequence(value, self._indent, depth + 1)
        raise _UnexpectedError

    def _empty(self, value: Any, rest: str, indent: int) -> Any:
        if value or rest not in ("{}", "[]"):
            raise _UnexpectedError
        self._skip_deeper(indent)
        return {} if isinstance(value, dict) else []

    def _sequence(self, items: list[Any], indent: int, depth: int) -> list[Any]:
        if depth > _DEEPEST:
            raise _UnexpectedError
        spots: list[Any] = []
        for item in items:
            if self._indent != indent or self._text[:2] != "- ":
                raise _UnexpectedError
            text = self._text[2:].lstrip(" ")
            column = indent + len(self._text) - len(text)
            mark = Mark(self.at, column)
            if isinstance(item, dict) and item:
                self._text, self._indent = text, column
                spots.append((mark, self.mapping(item, column, depth + 1)))
            elif isinstance(item, _SCALARS) and text and text[0] not in "&*!#":
                self._skip_deeper(indent)
                spots.append(mark)
            else:
                raise _UnexpectedError
        return spots
