"""Lines and columns of what is in manifests, found by reading a file again when first asked.

``FilePlaces`` serves the outputs' questions for places. Only the documents that are asked about are parsed.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from leadline.kube.field_path import Step, parse_path
from leadline.model.finding import Place
from leadline.model.resource import Origin, Resource, joined
from leadline.sbom.dockerfile.instructions import Dockerfile
from leadline.sources.manifests.dockerfiles import dockerfile_of, find_instruction, is_dockerfile_text
from leadline.sources.manifests.files import STDIN
from leadline.sources.manifests.line_index import line_spots
from leadline.sources.regular_file import read_regular
from leadline.sources.yaml.json import json_parts, looks_like_json, parse_json, without_comments
from leadline.sources.yaml.parser import (
    LIMITS,
    Keys,
    Limits,
    Part,
    decode,
    events_despite,
    parser_class,
    split_documents,
)
from leadline.sources.yaml.scalars import ScalarError, is_merge_key, key_of_value, plain

_FILES_KEPT = 4_096
_TEXT_KEPT = 8 << 20
"""Bytes of the files kept; one file is kept whatever its size."""
_DOCUMENTS_KEPT = 64
"""Whose spots are known at a time: these take many times what the text takes."""
_LINE_LENGTH = 2_000
"""Characters of a line that is shown; minified JSON is one line of megabytes."""

Spot = Any
"""The parser's mark of a key or an item; with what is below it in a tuple, a mapping or a list of spots or ``None``."""


class FilePlaces:
    """Places in the files that resources came from. Keeps the last few files.

    ``stdin`` is what was read from standard input, if anything was. ``texts``, by the file as an origin has it, count in
    the place of what is on disk; ``forget`` says that one is another now.
    """

    def __init__(
        self, stdin: bytes = b"", limits: Limits = LIMITS, texts: Mapping[str, bytes] = MappingProxyType({})
    ) -> None:
        self._stdin = stdin
        self._limits = limits
        self._texts = texts
        self._files: OrderedDict[tuple[str, str], _FileText] = OrderedDict()
        self._size = 0
        self._latest: tuple[Origin, _FileText] | None = None
        self._known = _Known()

    def find(self, resource: Resource, path: str) -> Place | None:
        """The place of the key or list item at ``path``, else of its deepest parent that exists.

        ``None`` for objects without a file, or whose file cannot be read any more.
        """
        origin = resource.origin
        file = self._file(resource)
        if file is None:
            return None
        try:
            steps = parse_path(origin.inside + path if origin.inside else path)
        except ValueError:
            steps = parse_path(origin.inside)
        found = file.find(origin.document, steps, None if origin.inside else resource.body)
        if found is None:
            return None
        line, column, depth = found
        return Place(origin.path, line, column, depth == len(steps))

    def lines(self, resource: Resource, first: int, last: int) -> list[str]:
        """Lines ``first`` to ``last`` of the file of ``resource``, counted from 1, without their ends."""
        file = self._file(resource)
        return [] if file is None else file.lines(first, last)

    def forget(self, root: str, path: str) -> None:
        """The file is to be read again."""
        if (root, path) in self._files:
            self._drop(self._files.pop((root, path)))
        self._latest = None

    def _file(self, resource: Resource) -> "_FileText | None":
        origin = resource.origin
        if self._latest is not None and self._latest[0] is origin:
            return self._latest[1]
        file = self._opened(origin)
        if file is not None:
            self._latest = (origin, file)
        return file

    def _opened(self, origin: Origin) -> "_FileText | None":
        if origin.kind != "file":
            return None
        name = (origin.root, origin.path)
        if name in self._files:
            self._files.move_to_end(name)
            return self._files[name]
        try:
            text = decode(self._content(*name))
        except (OSError, UnicodeDecodeError):
            return None
        is_build = is_dockerfile_text(origin.path.rpartition("/")[2], text)
        file = self._files[name] = (_BuildText if is_build else _FileText)(text, self._limits, self._known)
        self._size += len(text)
        while len(self._files) > 1 and (self._size > _TEXT_KEPT or len(self._files) > _FILES_KEPT):
            self._drop(self._files.popitem(last=False)[1])
        return file

    def _drop(self, file: "_FileText") -> None:
        self._size -= len(file.text)
        for key in [key for key in self._known.spots if key[0] is file]:
            del self._known.spots[key]

    def _content(self, root: str, name: str) -> bytes:
        if name == STDIN:
            return self._stdin
        text = self._texts.get(joined(root, name)) if self._texts else None
        return read_regular(Path(root) / name, self._limits.size_bytes) if text is None else text


class _Known:
    """What the files of one run share: texts of keys, and the spots of the documents asked about last."""

    def __init__(self) -> None:
        self.keys = Keys()
        self.spots: OrderedDict[tuple[_FileText, int], Spot | None] = OrderedDict()


class _FileText:
    """One file and its documents."""

    def __init__(self, text: bytes, limits: Limits, known: _Known) -> None:
        self.text = text
        self._limits = limits
        self._known = known
        self._lines: list[bytes] | None = None
        self._parts: dict[int, Part] | None = None

    def find(
        self, document: int, steps: tuple[Step, ...], body: dict[str, Any] | None
    ) -> tuple[int, int, int] | None:
        """Line, column, and how many of the steps lead there. ``body``: what the document was read as, if known."""
        part = self._part(document)
        if part is None:
            return None
        spot = self._spot(part, body)
        if spot is None:
            return part.line + 1, 1, -1
        depth = 0
        for step in steps:
            inner = spot[1] if type(spot) is tuple else None
            if type(inner) is dict:
                below = inner.get(step) if type(step) is str else inner.get(str(step))
            elif type(inner) is list and type(step) is int and step < len(inner):
                below = inner[step]
            else:
                break
            if below is None:
                break
            spot = below
            depth += 1
        mark = spot[0] if type(spot) is tuple else spot
        return mark.line + part.line + 1, mark.column + 1, depth

    def _spot(self, part: Part, body: dict[str, Any] | None) -> Spot | None:
        key, spots = (self, part.index), self._known.spots
        if key in spots:
            return spots[key]
        plain_spots = line_spots(part.text, body) if body else None
        spot = spots[key] = plain_spots or spots_of(part.text, self._known.keys, self._limits.depth)
        if len(spots) > _DOCUMENTS_KEPT:
            spots.popitem(last=False)
        return spot

    def lines(self, first: int, last: int) -> list[str]:
        if self._lines is None:
            self._lines = self.text.split(b"\n")
            if self._lines[-1] == b"":
                self._lines.pop()
        wanted = self._lines[max(first, 1) - 1 : max(last, 0)]
        return [
            line[: 4 * _LINE_LENGTH].decode("utf-8", "replace").rstrip("\r")[:_LINE_LENGTH] for line in wanted
        ]

    def _part(self, document: int) -> Part | None:
        if self._parts is None:
            self._parts = {part.index: part for part in self._split()}
        return self._parts.get(document)

    def _split(self) -> list[Part]:
        if looks_like_json(self.text):
            for text in (self.text, without_comments(self.text)):
                if not any(document.problem for document in parse_json(text, self._limits)):
                    parts = [part for part in json_parts(text, self._limits) if isinstance(part, Part)]
                    return parts if len(parts) > 1 else [Part(0, 0, text)]
        return list(split_documents(self.text))


class _BuildText(_FileText):
    """A Dockerfile, whose places are its instructions."""

    _file: Dockerfile | None = None

    def find(
        self, document: int, steps: tuple[Step, ...], body: dict[str, Any] | None
    ) -> tuple[int, int, int] | None:
        self._file = self._file or dockerfile_of(self.text)
        if self._file is None:
            return 1, 1, -1
        line, depth = find_instruction(self._file, steps)
        return line, 1, depth


def _inner_of(spot: Spot) -> Any:
    return spot[1] if type(spot) is tuple else None


def spots_of(text: bytes, keys: Keys, depth: int) -> Spot | None:
    """The spots of one document in UTF-8; ``None`` where it cannot be parsed."""
    try:
        try:
            return _Spots(parser_class()(text).get_event, keys, depth).document()
        except yaml.MarkedYAMLError as error:
            take = events_despite(error, text)
            return _Spots(take, keys, depth).document() if take else None
    except (yaml.YAMLError, ScalarError, UnicodeError, _LostError):
        return None


class _LostError(Exception):
    """The document is one that the loader refuses."""


class _Spots:
    """Follows the events of one document, keeping marks instead of values."""

    def __init__(self, take: Callable[[], Any], keys: Keys, depth: int) -> None:
        self._next = take
        self._keys = keys
        self._depth = depth
        self._anchors: dict[str, Any] = {}
        self._texts: dict[str, str] = {}

    def document(self) -> Spot | None:
        event = self._next()
        while type(event) is not DocumentStartEvent:
            if type(event) is StreamEndEvent:
                return None
            event = self._next()
        return self._spot(self._next(), 1)

    def _spot(self, event: Any, depth: int) -> Spot:
        return event.start_mark, self._inner(event, depth)

    def _inner(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            if event.anchor is not None:
                self._anchors[event.anchor] = None
                self._texts[event.anchor] = _key(event)
            return None
        if kind is AliasEvent:
            return self._anchors.get(event.anchor)
        if depth > self._depth:
            raise _LostError
        inner: Any = [] if kind is SequenceStartEvent else {}
        if event.anchor is not None:
            self._anchors[event.anchor] = inner
        if kind is SequenceStartEvent:
            self._sequence(inner, depth + 1)
        else:
            self._mapping(inner, depth + 1)
        return inner

    def _sequence(self, inner: list[Spot], depth: int) -> None:
        take = self._next
        while True:
            event = take()
            if type(event) is ScalarEvent and event.anchor is None:
                inner.append(event.start_mark)
            elif type(event) is SequenceEndEvent:
                return
            else:
                inner.append((event.start_mark, self._inner(event, depth)))

    def _mapping(self, inner: dict[str, Spot], depth: int) -> None:
        take, keys = self._next, self._keys
        while True:
            event = take()
            if type(event) is ScalarEvent and event.implicit[0] and event.anchor is None:
                if event.value == "<<":
                    self._merge(inner, self._inner(take(), depth))
                    continue
                key = keys[event.value]
            elif type(event) is MappingEndEvent:
                return
            elif type(event) is ScalarEvent and is_merge_key(event.value, event.tag, event.implicit):
                if event.anchor is not None:
                    self._anchors[event.anchor], self._texts[event.anchor] = None, event.value
                self._merge(inner, self._inner(take(), depth))
                continue
            else:
                key = self._rare_key(event)
            mark = event.start_mark
            event = take()
            if type(event) is ScalarEvent and event.anchor is None:
                inner[key] = mark
            else:
                inner[key] = (mark, self._inner(event, depth))

    def _rare_key(self, event: Any) -> str:
        if type(event) is ScalarEvent:
            if event.anchor is not None:
                self._inner(event, 0)
            return _key(event)
        if type(event) is AliasEvent and event.anchor in self._texts:
            return self._texts[event.anchor]
        raise _LostError

    def _merge(self, inner: dict[str, Spot], source: Any) -> None:
        for one in reversed([_inner_of(spot) for spot in source]) if isinstance(source, list) else [source]:
            if isinstance(one, dict):
                inner.update(one)


def _key(event: Any) -> str:
    text: str = event.value
    return key_of_value(plain(text), text) if event.implicit[0] and text else text
