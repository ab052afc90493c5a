"""Reads YAML as Kubernetes does: from the events of libyaml to plain dicts, lists and scalars.

Each document of a stream is parsed alone, so a broken one costs only itself. Bodies may share
parts (aliases) and must not be changed.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import yaml
from msgspec import Struct, structs
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from leadline.log import log_of
from leadline.sources.yaml.errors import YamlProblem, problem_of
from leadline.sources.yaml.flow_colons import is_about_colon, masked_colons, unmasked
from leadline.sources.yaml.plain_lines import Written, plain_body
from leadline.sources.yaml.scalars import (
    Scalar,
    ScalarError,
    is_merge_key,
    key_of_value,
    key_text,
    plain,
    tagged,
    whole,
)


class Limits(Struct, frozen=True):
    """What one file may cost."""

    size_bytes: int = 32 << 20
    documents: int = 20_000
    nodes: int = 5_000_000
    """Values of one document, those that aliases repeat counted each time."""
    alias_nodes: int = 500_000
    """Values of one document that aliases repeat."""
    depth: int = 250
    """Nested mappings and lists; the deepest schema of a custom resource has some 60."""


LIMITS = Limits()


class Part(Struct, frozen=True):
    """The text of one document."""

    index: int
    """Of the document within its file, from 0."""
    line: int
    """Lines of the file before it."""
    text: bytes
    start: int = 0
    """Bytes of the file before it."""


class Duplicate(Struct, frozen=True):
    """A key that is twice in one mapping; the last one counts."""

    key: str
    line: int
    """Counted from 1."""


class Document(Struct, frozen=True):
    """One document: its body, or the reason why there is none."""

    index: int
    line: int
    """Its first line, counted from 1."""
    body: Any = None
    problem: YamlProblem | None = None
    duplicates: tuple[Duplicate, ...] = ()


_BORDERS = re.compile(rb"\n(?:---(?=[ \t\r\n#]|\Z)|\.\.\.(?=[ \t\r\n]|\Z)[^\n]*)")
_LINE_START = rb"(?:\A|(?<=[\r\n])|(?<=\xc2\x85)|(?<=\xe2\x80[\xa8\xa9]))"
"""After any of the ends that a line has in YAML 1.1."""
_HAS_CONTENT = re.compile(_LINE_START + rb"[ \t]*[^ \t\r\n#%]|" + _LINE_START + rb"[ \t]+%")
_MARK = b"\xef\xbb\xbf"
_MARK_AT_LINE_START = re.compile(_LINE_START + _MARK)
_STAND_IN = "\ue000"
"""A character for private use, as long as the mark of byte order in UTF-8."""
_DIRECTIVE = re.compile(_LINE_START + rb"%")
_COMMENTED = 3
"""Bytes of ``---`` left out where a comment follows at once: kubectl takes it for a border, libyaml for text."""
_INFINITY = float("inf")
_MEMORABLE = 80
"""Characters of the longest scalar worth remembering."""
_MEMORY_SIZE = 50_000
_DUPLICATES_TOLD = 100
"""Of one document."""


class Plains(dict[str, Scalar]):
    """Meanings of unquoted scalars, worked out once; manifests repeat themselves."""

    def __missing__(self, text: str) -> Scalar:
        value = plain(text)
        if type(value) is float and not abs(value) < _INFINITY:
            raise ScalarError(f"JSON, and so Kubernetes, has no number {text}")
        if len(text) <= _MEMORABLE:
            if len(self) >= _MEMORY_SIZE:
                self.clear()
            self[text] = value
        return value


class Keys(dict[str, str]):
    """Texts of unquoted keys, worked out once."""

    def __missing__(self, text: str) -> str:
        if len(self) >= _MEMORY_SIZE:
            self.clear()
        key = self[text] = key_text(text)
        return key


class Memory:
    """Scalars already met in a run."""

    def __init__(self) -> None:
        self.plains = Plains()
        self.keys = Keys()
        self.written = Written(self.plains)


def decode(content: bytes) -> bytes:
    """``content`` as UTF-8 with newlines, one of them at its end, without which libyaml and go-yaml disagree on the
    last block scalar. As for kubectl, other bytes are replaced, and joined files may each begin with a mark.

    Raises: ``UnicodeDecodeError`` for UTF-16 that is none.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = content.decode("utf-16").encode()
    elif not content.isascii():
        content = content.decode(errors="replace").encode()
        content = _without_marks(content) if _MARK in content else content
    if b"\r" in content and b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    return content if content.endswith(b"\n") else content + b"\n"


def _without_marks(content: bytes) -> bytes:
    """Without the marks of byte order at the start of documents; anywhere else one is a character of the text.

    For kubectl a border ends a document that has lines, else it is the first line of one. Source: YAMLReader in
    https://github.com/kubernetes/apimachinery/blob/master/pkg/util/yaml/decoder.go
    """
    lines = content.split(b"\n")
    is_start = True
    for number, line in enumerate(lines):
        is_border = line.startswith(b"---") and line[3:].strip()[:1] in (b"", b"#")
        if is_start:
            lines[number] = line.removeprefix(_MARK)
        is_start = is_border and not is_start
    return b"\n".join(lines)


def split_documents(text: bytes) -> Iterator[Part]:
    """The documents of a stream in UTF-8, numbered as a YAML parser numbers them."""
    index = line = 0
    start = _COMMENTED if text.startswith(b"---#") else 0
    for end, following in _borders(text):
        piece = text[start:end]
        if not piece.startswith(b"---") and not _HAS_CONTENT.search(piece):
            if _DIRECTIVE.search(piece) and end < len(text):
                continue
        elif piece:
            yield Part(index, line, piece, start)
            index += 1
        line += text.count(b"\n", start, following)
        start = following


def _borders(text: bytes) -> Iterator[tuple[int, int]]:
    """Where a document ends, and where the next one begins."""
    if b"\n---" in text or b"\n..." in text:
        for match in _BORDERS.finditer(text):
            start = match.start() + 1
            if match[0] != b"\n---":
                yield start, min(match.end() + 1, len(text))
            else:
                yield start, start + _COMMENTED if text.startswith(b"#", match.end()) else start
    yield len(text), len(text)


def parse_documents(content: bytes, limits: Limits = LIMITS, memory: Memory | None = None) -> list[Document]:
    """Every document of a file, empty ones included; what cannot be read carries its problem. Never raises.

    ``memory`` is shared between the files of one run.
    """
    if len(content) > limits.size_bytes:
        return [Document(0, 1, problem=too_large(limits))]
    try:
        text = decode(content)
    except UnicodeDecodeError:
        return [Document(0, 1, problem=YamlProblem("this is not text", "malformed", hint="save it as UTF-8"))]
    return documents_in(text, limits, memory)


def documents_in(text: bytes, limits: Limits = LIMITS, memory: Memory | None = None) -> list[Document]:
    """As ``parse_documents``, of a text that ``decode`` gave: what it gives is not to be decoded twice."""
    documents = []
    memory = memory or Memory()
    for part in split_documents(text):
        if part.index >= limits.documents:
            why = f"more than {limits.documents} documents in one file; the rest was not read"
            documents.append(
                Document(part.index, part.line + 1, problem=YamlProblem(why, "too large", part.line + 1, 1))
            )
            break
        documents.append(_parse_part(part, limits, memory))
    return documents


def too_large(limits: Limits) -> YamlProblem:
    size = f"{limits.size_bytes >> 20} MiB" if limits.size_bytes >> 20 else f"{limits.size_bytes} bytes"
    return YamlProblem(f"larger than {size}", "too large", hint="split it")


def _parse_part(part: Part, limits: Limits, memory: Memory) -> Document:
    if _MARK in part.text and _MARK_AT_LINE_START.search(part.text, len(_MARK) if part.index == 0 else 0):
        return _parse_with_marks(part, limits)
    return _parse_text(part, limits, memory)


def _parse_with_marks(part: Part, limits: Limits) -> Document:
    """libyaml passes over a mark of byte order at the start of a line, where go-yaml reads a character.

    Both pass over the second of a file. What kubectl makes of more at the start of a document depends on much else.
    """
    if _STAND_IN.encode() in part.text or part.text.startswith(_MARK):
        why = "a byte-order mark where none is allowed"
        return Document(
            part.index, part.line + 1, problem=YamlProblem(why, "malformed", part.line + 1, 1, "delete it")
        )
    masked = structs.replace(part, text=part.text.replace(_MARK, _STAND_IN.encode()))
    document = _parse_text(masked, limits, Memory())
    return structs.replace(document, body=_with_marks(document.body))


def _with_marks(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(_STAND_IN, _MARK.decode())
    if isinstance(value, dict):
        return {_with_marks(key): _with_marks(inner) for key, inner in value.items()}
    return [_with_marks(inner) for inner in value] if isinstance(value, list) else value


def _parse_text(part: Part, limits: Limits, memory: Memory) -> Document:
    body = plain_body(part.text, memory.keys, memory.written, limits.depth, limits.nodes)
    if body is not None:
        return Document(part.index, part.line + 1, body)
    builder = _Builder(parser_class()(part.text).get_event, limits, memory)
    try:
        try:
            body = builder.document()
        except yaml.MarkedYAMLError as error:
            take = events_despite(error, part.text)
            if take is None:
                raise
            builder = _Builder(take, limits, memory)
            body = builder.document()
    except (yaml.YAMLError, _RefusedError, ScalarError, UnicodeError) as error:
        return Document(
            part.index, part.line + 1, problem=problem_of(error, part.text, part.line, builder.line)
        )
    duplicates = tuple(Duplicate(d.key, d.line + part.line) for d in builder.duplicates)
    return Document(part.index, part.line + 1, body, duplicates=duplicates)


def events_despite(error: Exception, text: bytes) -> Callable[[], Any] | None:
    """The events of ``text``, of which libyaml refuses what go-yaml reads; ``None`` for every other error."""
    masked = masked_colons(text, parser_class()) if is_about_colon(error) else None
    return unmasked(parser_class()(masked[0]).get_event, masked[1]) if masked else None


@cache
def parser_class() -> Any:
    """The event parser on libyaml, or the slow one in Python where PyYAML was built without it."""
    try:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]
    except ImportError:
        log_of(__name__).warning("PyYAML has no libyaml here, reading YAML takes ten times as long")
        return _PureParser
    return CParser


class _PureParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    def __init__(self, text: bytes) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)


class _RefusedError(Exception):
    """The document is well-formed but means nothing to Kubernetes, or costs too much."""


class _Open:
    """Stands for an anchored mapping or list that is still being read. An anchor of the same name within it replaces
    it for good, as in go-yaml, which knows an anchor from where it opens.
    """


class _Builder:
    """Builds one document by descending along its events.

    This is the hot loop of reading: calls and look-ups are kept few on purpose.
    """

    def __init__(self, take: Callable[[], Any], limits: Limits, memory: Memory) -> None:
        self._next = take
        self._limits = limits
        self._plains = memory.plains
        self._keys = memory.keys
        self._anchors: dict[str, Any] = {}
        self._weights: dict[str, int] = {}
        self._nodes = 0
        self._alias_nodes = 0
        self.line = 0
        """Of the last place worth naming, counted from 1 within the text; 0 for none."""
        self.duplicates: list[Duplicate] = []

    def document(self) -> Any:
        event = self._next()
        while type(event) is not DocumentStartEvent:
            if type(event) is StreamEndEvent:
                return None
            event = self._next()
        body = self._value(self._next(), 1)
        self._next()
        event = self._next()
        if type(event) is not StreamEndEvent:
            self.line = event.start_mark.line + 1
            raise _RefusedError("text after the end of the document; is a '---' line missing?")
        return body

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            value = self._scalar(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = value
                self._weights[event.anchor] = 1
            return value
        if kind is AliasEvent:
            return self._alias(event)
        anchor, before, opened = event.anchor, self._nodes, None
        if anchor is not None:
            opened = self._anchors[anchor] = _Open()
        if depth > self._limits.depth:
            self.line = event.start_mark.line + 1
            raise _RefusedError(f"nested deeper than {self._limits.depth} levels")
        body = self._mapping(depth) if kind is MappingStartEvent else self._sequence(depth)
        if self._nodes > self._limits.nodes:
            raise self._too_many()
        if anchor is not None and self._anchors[anchor] is opened:
            self._anchors[anchor] = body
            self._weights[anchor] = self._nodes - before
        return body

    def _mapping(self, depth: int) -> dict[str, Any]:
        body: dict[str, Any] = {}
        merged: set[str] = set()
        take, keys, plains, inner = self._next, self._keys, self._plains, depth + 1
        for _ in range(self._limits.nodes - self._nodes):
            event = take()
            if type(event) is ScalarEvent and event.anchor is None and event.implicit[0]:
                text = event.value
                if text == "<<":
                    self._merge(body, merged, take(), inner)
                    continue
                self.line = 0
                key = keys[text]
            elif type(event) is MappingEndEvent:
                self._nodes += 2 * len(body) + 1
                return body
            elif type(event) is ScalarEvent and is_merge_key(event.value, event.tag, event.implicit):
                if event.anchor is not None:
                    self._anchors[event.anchor], self._weights[event.anchor] = event.value, 1
                self._merge(body, merged, take(), inner)
                continue
            else:
                key = self._rare_key(event)
            if key in body and key not in merged and len(self.duplicates) < _DUPLICATES_TOLD:
                self.duplicates.append(Duplicate(key, event.start_mark.line + 1))
            event = take()
            if type(event) is ScalarEvent and event.anchor is None and event.tag is None:
                body[key] = plains[event.value] if event.implicit[0] else event.value
            else:
                body[key] = self._value(event, inner)
        raise self._too_many()

    def _sequence(self, depth: int) -> list[Any]:
        body: list[Any] = []
        take, plains, inner = self._next, self._plains, depth + 1
        for _ in range(self._limits.nodes - self._nodes):
            event = take()
            if type(event) is ScalarEvent and event.anchor is None and event.tag is None:
                body.append(plains[event.value] if event.implicit[0] else event.value)
            elif type(event) is SequenceEndEvent:
                self._nodes += len(body) + 1
                return body
            else:
                body.append(self._value(event, inner))
        raise self._too_many()

    def _too_many(self) -> "_RefusedError":
        return _RefusedError(f"more than {self._limits.nodes} values in one document")

    def _scalar(self, event: Any) -> Scalar:
        text: str = event.value
        if event.implicit[0] and event.tag is None:
            return self._plains[text]
        if event.tag is None or event.implicit[1] or event.tag == "!":
            return text
        self.line = event.start_mark.line + 1
        value = tagged(text, event.tag)
        if isinstance(value, float) and not abs(value) < _INFINITY:
            raise ScalarError(f"JSON, and so Kubernetes, has no number {text}")
        return whole(value) if isinstance(value, float) else value

    def _rare_key(self, event: Any) -> str:
        """A key that is quoted, tagged, anchored or an alias."""
        kind = type(event)
        self.line = event.start_mark.line + 1
        if kind is ScalarEvent and event.anchor is None and event.tag is None:
            return str(event.value)
        if kind is ScalarEvent or kind is AliasEvent:
            value = self._value(event, 0)
            if not isinstance(value, dict | list):
                return key_of_value(value, event.value if kind is ScalarEvent else "")
        raise _RefusedError("a key is a mapping or a list; Kubernetes wants text")

    def _alias(self, event: Any) -> Any:
        anchor = event.anchor
        if anchor not in self._anchors:
            self.line = event.start_mark.line + 1
            raise _RefusedError(f"the alias *{anchor} has no anchor before it")
        value = self._anchors[anchor]
        if type(value) is _Open:
            self.line = event.start_mark.line + 1
            raise _RefusedError(f"the anchor &{anchor} contains itself")
        self._nodes += self._weights[anchor]
        self._alias_nodes += self._weights[anchor]
        if self._alias_nodes > self._limits.alias_nodes:
            self.line = event.start_mark.line + 1
            raise _RefusedError(f"aliases repeat more than {self._limits.alias_nodes} values")
        return value

    def _merge(self, body: dict[str, Any], merged: set[str], event: Any, depth: int) -> None:
        """Merges in the order of writing: what is before ``<<`` is overwritten, as in go-yaml 2."""
        line = event.start_mark.line + 1
        value = self._value(event, depth)
        sources = value if isinstance(value, list) and type(event) is SequenceStartEvent else [value]
        for source in reversed(sources):
            if not isinstance(source, dict):
                self.line = line
                raise _RefusedError("a merge key '<<' wants a mapping or a list of mappings")
            body.update(source)
            merged.update(source)
