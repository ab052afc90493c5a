"""Reads JSON files of Kubernetes objects: one value, or several in a row, as kubectl accepts them."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from leadline.sources.yaml.errors import YamlProblem
from leadline.sources.yaml.parser import Document, Duplicate, Limits, Part

_BLANKS = " \t\r\n"
_DUPLICATES_TOLD = 100
"""Of one document."""
_BROKEN_LIMIT = 100
"""Broken values of one file after which the rest is given up."""


_COMMENT = re.compile(rb'"(?:[^"\\\n]|\\.)*"?|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?', re.DOTALL)
_LAST_COMMA = re.compile(rb'"(?:[^"\\\n]|\\.)*"?|,(?=[ \t\r\n]*[}\]])', re.DOTALL)
_INK = re.compile(rb"[^\r\n]")


def looks_like_json(text: bytes) -> bool:
    """Whether ``text`` begins as JSON does, after comments."""
    start = text[:1024].lstrip()
    if start[:2] in (b"//", b"/*"):
        start = without_comments(text[:_HEAD_BYTES]).lstrip()
    return start[:1] in (b"{", b"[")


_HEAD_BYTES = 1 << 16
"""A file whose first comment is longer is YAML."""


def without_comments(text: bytes) -> bytes:
    """``text`` with comments and last commas as blanks, so that every other byte stays in its place.

    Editors and compilers read their settings so (https://code.visualstudio.com/docs/languages/json#_json-with-comments).
    """
    return _LAST_COMMA.sub(_blanked, _COMMENT.sub(_blanked, text))


def _blanked(match: re.Match[bytes]) -> bytes:
    found = match.group()
    return found if found[:1] == b'"' else _INK.sub(b" ", found)


def parse_json(text: bytes, limits: Limits) -> list[Document]:
    """Every value of a JSON text in UTF-8, one document each. Never raises."""
    # Imported where JSON is met: it brings dataclasses and inspect, two thirds of a bare start.
    import orjson

    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        several = _several(text, limits)
        if several is not None:
            return several
        why = f"not valid JSON: {error.msg.partition(': line')[0]}"
        return [Document(0, 1, problem=YamlProblem(why, "malformed", error.lineno, error.colno))]
    return [_document(0, 1, value, text, limits)]


def _document(index: int, line: int, value: Any, text: bytes, limits: Limits) -> Document:
    if text.count(b"[") + text.count(b"{") > limits.depth and _depth_exceeds(value, limits.depth):
        return Document(index, line, problem=_limit(f"nested deeper than {limits.depth} levels", line))
    if text.count(b",") + text.count(b"[") + text.count(b"{") > limits.nodes:
        return Document(index, line, problem=_limit(f"more than {limits.nodes} values in one document", line))
    return Document(index, line, value, duplicates=tuple(_duplicates(text, line)))


def _duplicates(text: bytes, line: int) -> Iterator[Duplicate]:
    """Keys that are twice in one object, each at the first line of the document."""
    import json

    found: dict[str, None] = {}

    def look(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            found.update(dict.fromkeys(key for key, count in counts.items() if count > 1))

    with suppress(ValueError, RecursionError):
        json.loads(text.decode("utf-8", "replace"), object_pairs_hook=look)
    for key in islice(found, _DUPLICATES_TOLD):
        yield Duplicate(key, line)


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def json_parts(text: bytes, limits: Limits) -> Iterator[Part | Document]:
    """The values of a text that holds several in a row; one that is broken is a document with its problem."""
    import json

    whole = text.decode(errors="replace")
    scan = json.JSONDecoder().raw_decode
    at = line = index = broken = offset = 0
    while True:
        start = _skip_blanks(whole, at)
        offset += len(whole[at:start].encode(errors="replace"))
        line += whole.count("\n", at, start)
        if start == len(whole):
            return
        if index >= limits.documents:
            why = f"more than {limits.documents} documents in one file; the rest was not read"
            yield Document(index, line + 1, problem=_limit(why, line + 1))
            return
        try:
            _, at = scan(whole, start)
            piece = whole[start:at].encode(errors="replace")
            yield Part(index, line, piece, offset)
        except (ValueError, RecursionError) as error:
            broken += 1
            yield Document(index, line + 1, problem=_problem(error, line + 1, limits))
            at = whole.find("\n{", start + 1)
            if at >= 0 and broken == _BROKEN_LIMIT:
                why = f"more than {_BROKEN_LIMIT} broken values in one file; the rest was not read"
                yield Document(index + 1, line + 1, problem=YamlProblem(why, "malformed", line + 1, 1))
            if at < 0 or broken == _BROKEN_LIMIT:
                return
            offset += len(whole[start:at].encode(errors="replace"))
        else:
            offset += len(piece)
        index += 1
        line += whole.count("\n", start, at)


def _several(text: bytes, limits: Limits) -> list[Document] | None:
    """``None`` where not even the first value is whole."""
    import orjson

    documents: list[Document] = []
    for part in json_parts(text, limits):
        if isinstance(part, Part):
            try:
                value = orjson.loads(part.text)
            except orjson.JSONDecodeError as error:
                documents.append(
                    Document(part.index, part.line + 1, problem=_problem(error, part.line + 1, limits))
                )
            else:
                documents.append(_document(part.index, part.line + 1, value, part.text, limits))
        else:
            documents.append(part)
        if documents[0].problem:
            return None
    return documents


def _limit(why: str, line: int) -> YamlProblem:
    return YamlProblem(why, "too large", line, 1)


def _problem(error: Exception, line: int, limits: Limits) -> YamlProblem:
    if isinstance(error, RecursionError):
        return _limit(f"nested deeper than {limits.depth} levels", line)
    complaint = getattr(error, "msg", "a number or text that JSON does not allow")
    return YamlProblem(f"not valid JSON: {complaint}", "malformed", line, 1)


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at
