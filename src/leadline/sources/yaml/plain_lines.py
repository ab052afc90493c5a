"""Reads a document that is written plainly, one key or item to a line, from its lines alone: in half the time of libyaml.

Most manifests are. Where anything else comes up (text over several lines, anchors, tags, flow style, a key twice, a control
character) the answer is ``None`` and libyaml has to read the document, and to say what is wrong with it.
"""

import re
from typing import Any

from leadline.sources.yaml.scalars import Scalar, ScalarError

_LARGEST = 1 << 20
"""Bytes; what is larger is left to the parser, which counts what it builds."""
_NODES_OF_LINE = 4
"""An item, a mapping, a key and its value, at most."""
_DEEPER_BY_LINE = 4
"""Levels that one line may add, and the one that it is on."""
_PRINTABLE = bytes((0x0A, *range(0x20, 0x7F)))
_LINES = re.compile(r"( *)(- +)?(?:([A-Za-z0-9_/][A-Za-z0-9_./-]{0,127}):(?: +|$))?(.*)\n", re.MULTILINE)
"""Indentation, dash, key, and the rest, of every line. libyaml wants keys of at most 1,024 characters."""
_SCALAR = re.compile(
    r'(?:"([ !#-\[\]-~]*)"|\'([ -&(-~]*)\''
    r'|((?:[A-Za-z0-9_./~$+=(]|-(?=[!-~]))(?: *(?:[!-"$-9;-~]|:(?=[!-~])|(?<! )#))*))'
    r"(?: +#.*| *)"
)
"""In double quotes without escapes, in single quotes without a quote, or without quotes; then a comment."""
_EMPTY: dict[str, type] = {"{}": dict, "[]": list}
_TOP = ""
"""Under which the document itself is kept while it is read."""
_MEMORABLE = 80
_MEMORY_SIZE = 50_000


class _NotPlainError(Exception):
    """The line says something else than one plain scalar."""


class Written(dict[str, Scalar]):
    """Meanings of scalars as they are written behind a key or a dash, worked out once."""

    def __init__(self, plains: dict[str, Scalar]) -> None:
        super().__init__()
        self._plains = plains

    def __missing__(self, text: str) -> Scalar:
        match = _SCALAR.fullmatch(text)
        if match is None:
            raise _NotPlainError
        double, single, unquoted = match.groups()
        value = self._plains[unquoted] if unquoted is not None else single if double is None else double
        if len(text) <= _MEMORABLE:
            if len(self) >= _MEMORY_SIZE:
                self.clear()
            self[text] = value
        return value


def plain_body(
    text: bytes, keys: dict[str, str], written: Written, depth: int, nodes: int
) -> dict[str, Any] | None:
    """The mapping that a document in UTF-8 holds, or ``None`` where libyaml has to read it.

    ``keys`` gives the text of each unquoted key. ``depth`` and ``nodes`` are what the document may have.
    """
    if len(text) > _LARGEST or not text.endswith(b"\n"):
        return None
    if text.translate(None, _PRINTABLE) or _NODES_OF_LINE * text.count(b"\n") > nodes:
        return None
    try:
        body = _body(_LINES.findall(text.decode("ascii")), keys, written, depth)
    except (_NotPlainError, ScalarError):
        return None
    return body if isinstance(body, dict) else None


def _body(lines: list[tuple[str, str, str, str]], keys: dict[str, str], written: Written, depth: int) -> Any:
    top: dict[str, Any] = {}
    # The mapping or list that lines with the indentation ``at`` belong to, and those that it is part of.
    here: Any = top
    at = -1
    around: list[tuple[Any, int]] = []
    # The last key, if its line ends with it, so that the next lines may say what it holds.
    pending: str | None = _TOP
    for number, (space, dash, written_key, rest) in enumerate(lines):
        if not (written_key or dash):
            if rest and rest[0] != "#" and (rest != "---" or number or space):
                raise _NotPlainError
            continue
        indent = len(space)
        if pending is not None:
            if indent > at or (dash and indent == at):
                inner: Any = [] if dash else {}
                here[pending] = inner
                around.append((here, at))
                here, at = inner, indent
            pending = None
        while indent < at:
            here, at = around.pop()
        if not dash and type(here) is list:
            # A list may have the indentation of the key that holds it, and ends with the next key.
            here, at = around.pop()
        if indent != at or bool(dash) is not (type(here) is list) or len(around) > depth - _DEEPER_BY_LINE:
            raise _NotPlainError
        if dash:
            if not written_key:
                here.append(written[rest])
                continue
            around.append((here, at))
            here.append({})
            here, at = here[-1], indent + len(dash)
        key = keys[written_key]
        if key in here:
            raise _NotPlainError
        if not rest or rest[0] == "#":
            here[key] = None
            pending = key
        else:
            here[key] = _EMPTY[rest]() if rest in _EMPTY else written[rest]
    return top.get(_TOP)
