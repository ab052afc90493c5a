r"""The texts that the editor has open, and positions in them: the protocol counts UTF-16 units, everybody else characters.

Ends of lines are those of the protocol alone (``\n``, ``\r\n``, ``\r``). Those that Python knows beside them are characters
of a line to an editor, so that a text kept by them would soon be another than the editor's.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types as lsp

_END = re.compile(r"\r\n|\n|\r")
_FIRST_LONG = "\U00010000"
"""The first character of two units."""
_COMMENT = re.compile(r"\s+#.*$")


class Document:
    """One text in one version."""

    def __init__(self, uri: str, version: int | None, text: str) -> None:
        self.uri = uri
        self.version = version
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _END.finditer(self.text))]

    def line(self, number: int) -> str:
        """The line of that number, from 0, without its end; empty beyond the last."""
        starts = self._starts
        if not 0 <= number < len(starts):
            return ""
        end = starts[number + 1] if number + 1 < len(starts) else len(self.text)
        return self.text[starts[number] : end].rstrip("\r\n")

    def changed(
        self, version: int | None, changes: Sequence[lsp.TextDocumentContentChangeEvent]
    ) -> "Document":
        """The document after ``changes``, one after the other."""
        here = self
        for change in changes:
            text = change.text
            if isinstance(change, lsp.TextDocumentContentChangePartial):
                first, last = here._offset(change.range.start), here._offset(change.range.end)
                text = here.text[:first] + text + here.text[max(first, last) :]
            here = Document(self.uri, version, text)
        return here

    def _offset(self, position: lsp.Position) -> int:
        if position.line >= len(self._starts):
            return len(self.text)
        line = self.line(position.line)
        return self._starts[position.line] + characters(line, position.character)

    def range(self, line: int, column: int) -> lsp.Range:
        """From a place, both counted from 1, to the end of what its line says; the line's first character where that is nothing."""
        text = self.line(line - 1)
        start = min(column - 1, len(text))
        end = max(len(_COMMENT.sub("", text).rstrip()), start)
        if end == start:
            start, end = 0, len(text)
        return lsp.Range(
            lsp.Position(line - 1, units(text[:start])), lsp.Position(line - 1, units(text[:end]))
        )


def units(text: str) -> int:
    """UTF-16 units of ``text``."""
    return len(text) if text.isascii() else len(text) + sum(c >= _FIRST_LONG for c in text)


def characters(line: str, wanted: int) -> int:
    """How many characters of ``line`` make so many UTF-16 units; all of them where it is shorter."""
    if line.isascii():
        return min(wanted, len(line))
    count = 0
    for number, character in enumerate(line):
        if count >= wanted:
            return number
        count += 2 if character >= _FIRST_LONG else 1
    return len(line)


def path_of(uri: str) -> str:
    """The file of a URI, absolute; empty for one that is not in a file."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return ""
    path = unquote(parts.path)
    # ``/c:/deploy`` is ``c:\deploy`` on Windows.
    if re.match(r"/[A-Za-z]:", path):
        path = path[1:]
    return str(Path(path)) if path and "\0" not in path else ""


def uri_of(file: str) -> str:
    return Path(file).as_uri()
