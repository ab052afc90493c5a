"""What libyaml and orjson complain about, in words for people who write manifests."""

import re
from typing import Any

import yaml
from msgspec import Struct

from leadline.model.unread import UnreadReason


class YamlProblem(Struct, frozen=True):
    """Why a document could not be read; line and column count from 1 within the file, 0 for none."""

    why: str
    reason: UnreadReason
    line: int = 0
    column: int = 0
    hint: str = ""

    @property
    def is_template(self) -> bool:
        """Whether template syntax that nothing has filled in is the cause."""
        return self.reason == "not rendered"

    @property
    def is_limit(self) -> bool:
        """Whether the text may be well-formed but costs too much."""
        return self.reason == "too large"


TEMPLATE_WHY = "it holds template syntax ({{ … }}) that nothing has filled in"
TEMPLATE_HINT = "render it and scan the result"
HELM_WHY = "it is a Helm template, which is read only together with its chart"
HELM_HINT = "render it with its chart and scan the result"

_HELM = re.compile(rb"\{\{[^}\n]*(?:\.(?:Values|Release|Chart|Capabilities)\b|\b(?:include|tpl)[ \t])")
_ACTION = re.compile(rb"\{\{-?[ \t]*[\w.$(\"'`/*]")

_WORDS = (
    ("found unexpected end of stream", "a quote is never closed", "close the quote that opens here"),
    ("found unexpected document indicator", "a quote is never closed", "close the quote that opens here"),
    (
        "mapping values are not allowed",
        "unexpected ':'",
        "quote the value or fix the indentation",
    ),
    ("did not find expected key", "bad indentation of a mapping entry", "align it with the keys around it"),
    (
        "did not find expected '-' indicator",
        "bad indentation of a list item",
        "align it with the items around it",
    ),
    ("block sequence entries are not allowed", "a list item where none is allowed", "fix the indentation"),
    ("block mapping keys are not allowed", "a key where none is allowed", "fix the indentation"),
    (
        "could not find expected ':'",
        "a line without ':' where a key was expected",
        "add ': ' or fix the indentation",
    ),
    ("did not find expected ',' or '}'", "a '{' is never closed, or a comma is missing", ""),
    ("did not find expected ',' or ']'", "a '[' is never closed, or a comma is missing", ""),
    ("found unknown escape character", "a backslash that escapes nothing", "double it, or use single quotes"),
    ("did not find expected hexdecimal number", "a backslash escape without its digits", "use single quotes"),
    ("found invalid Unicode character escape code", "an invalid backslash escape", ""),
    (
        "did not find expected <document start>",
        "text after the end of the document",
        "is a '---' line missing?",
    ),
    ("found unexpected ':'", "a ':' where none is allowed", "quote the value"),
    ("found undefined tag handle", "a tag that was never declared", ""),
    ("did not find expected node content", "a value was expected here", ""),
    ("exceeded maximum nesting depth", "nested too deep", ""),
    ("found a tab character", "a tab in the indentation", "use blanks"),
    ("found character '\\t'", "a tab where YAML wants blanks", "use blanks"),
    ("control characters are not allowed", "a control character; this is not text", ""),
)
_NEVER_CLOSED = frozenset(
    (
        "found unexpected end of stream",
        "found unexpected document indicator",
        "did not find expected ',' or '}'",
        "did not find expected ',' or ']'",
    )
)
"""Those of the library's messages that are about what was opened elsewhere."""


def problem_of(error: Exception, text: bytes, lines_before: int, line: int) -> YamlProblem:
    """The problem that ``error`` describes.

    ``text`` is the document, ``lines_before`` the file's lines above it; ``line`` the place for errors
    that know none, counted from 1 within the document.
    """
    why, at, column, hint = str(error), line, 1 if line else 0, ""
    if isinstance(error, yaml.MarkedYAMLError):
        why, at, column, hint = _marked(error, text)
    elif isinstance(error, yaml.reader.ReaderError):
        why, at, column = _reader(error, text)
    elif isinstance(error, UnicodeError):
        why = "bytes that are not text"
    line = at + lines_before if at else 0
    if _is_template(text):
        why, hint = (HELM_WHY, HELM_HINT) if _HELM.search(text) else (TEMPLATE_WHY, TEMPLATE_HINT)
        return YamlProblem(why, "not rendered", line, column, hint)
    return YamlProblem(why, "malformed", line, column, hint)


def _is_template(text: bytes) -> bool:
    """Whether a line holds ``{{ … }}`` outside of comments."""
    if b"{{" not in text:
        return False
    for line in text.split(b"\n"):
        action = _ACTION.search(line.partition(b"#")[0]) if b"{{" in line else None
        if action and line.find(b"}}", action.end()) >= 0:
            return True
    return False


def _marked(error: yaml.MarkedYAMLError, text: bytes) -> tuple[str, int, int, str]:
    mark = error.problem_mark or error.context_mark
    complaint = error.problem or error.context or "not valid YAML"
    character = _character(text, mark) if mark else ""
    if "cannot start any token" in complaint:
        if character == "\t":
            return "a tab where YAML wants blanks", *_place(mark), "use blanks"
        why = (
            f"a value cannot begin with {character!r}"
            if character
            else "a value begins with a wrong character"
        )
        return why, *_place(mark), "quote it"
    for words, why, hint in _WORDS:
        if words in complaint:
            if words in _NEVER_CLOSED and error.context_mark:
                mark = error.context_mark
            elif _is_tab_indented(text, mark):
                why, hint = "a tab in the indentation", "use blanks"
            return why, *_place(mark), hint
    return complaint.strip(), *_place(mark), ""


def _reader(error: Any, text: bytes) -> tuple[str, int, int]:
    """Errors of decoding; they know the byte only."""
    position = error.position if isinstance(error.position, int) else 0
    before = text[:position]
    line = before.count(b"\n") + 1
    column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
    if "control characters" in str(error.reason) or "special characters" in str(error.reason):
        return "a control character; this is not text", line, column
    return "bytes that are not text (binary, or not UTF-8)", line, column


def _place(mark: Any) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (0, 0)


def _line_of(text: bytes, mark: Any) -> str:
    lines = text.split(b"\n", mark.line + 1)
    return lines[mark.line].decode("utf-8", "replace") if mark.line < len(lines) else ""


def _character(text: bytes, mark: Any) -> str:
    return _line_of(text, mark)[mark.column : mark.column + 1]


def _is_tab_indented(text: bytes, mark: Any) -> bool:
    line = _line_of(text, mark) if mark else ""
    return "\t" in line[: len(line) - len(line.lstrip())]
