"""Where in a template a rendered field was written, and which key of the values steers it.

A template is not a tree, so its lines are compared with those that were rendered, from the outside in: a field is
looked for only within the lines of its parent. What is not unique is not given; the nearest parent is.
"""

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import yaml
from msgspec import Struct

from leadline.kube.field_path import Step, Steps, format_path, parse_path
from leadline.sources.yaml.parser import Part, split_documents

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_OPENING = re.compile(r"^(if|with|range|define|block)\b\s*(.*)$", re.DOTALL)
_VALUES = re.compile(r"\$?\.Values((?:\.[A-Za-z_]\w*)+)")
_WHOLE_VALUES = re.compile(r"^\$?\.Values((?:\.[A-Za-z_]\w*)+)$")
_BLOCK_OF_DOT = re.compile(r"^toYaml\s+\.\s*(\||$)")
_BLOCK_OF_VALUES = re.compile(r"^toYaml\s+\$?\.Values((?:\.[A-Za-z_]\w*)+)\s*(\||$)")
_INDENT = re.compile(r"\bn?indent\s+(\d{1,3})\s*$")
_PARTIAL = re.compile(r"^(include|template|tpl)\b")
_IN_BRACKETS = re.compile(r"(:|^-)\s+[\[{]")
_BORDER = re.compile(r"^---(\s|$)")
_KIND = re.compile(rb"^kind:.*$", re.MULTILINE)
_LITERAL_KEY = re.compile(r"^(- +)*[\w./$\"'-]+\s*:")
_LINES = 20_000
"""Of a template; longer ones are not searched."""


class _Marks(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Composes nodes for where they are alone: nothing works out what a scalar means."""

    def resolve(self, kind: object, value: object, implicit: object) -> str:
        return ""

    def descend_resolver(self, parent: object, key: object) -> None:
        return None

    def ascend_resolver(self) -> None:
        return None


class TemplateSpot(Struct, frozen=True):
    line: int
    """Counted from 1."""
    column: int
    exact: bool
    """False where the line is that of a parent."""
    values_key: str = ""
    """``image.tag``; empty where none, or more than one, has a say."""


class _Line(Struct, frozen=True):
    number: int
    indent: int
    text: str
    """Without indentation."""
    pieces: tuple[str, ...] = ()
    """Of a template's line what is written around its actions; empty for a line that is never a field by itself."""
    actions: tuple[str, ...] = ()
    """Of a template's line, without their braces."""


_Match = tuple[_Line, int, int] | None
"""A line of the template, and where in the lines what is below it begins and ends."""


class _Segment(Struct, frozen=True):
    """What is between two ``---`` lines of a template."""

    place: tuple[int, int]
    """In its lines."""
    outermost: frozenset[str]
    """Lines that are not indented: ``kind: …`` of an object among them, and none of something it refers to."""


class _Document(Struct, frozen=True):
    """One rendered document."""

    node: yaml.Node
    texts: list[str]
    kind: str
    """Its line ``kind: …``."""
    index: int
    count: int
    """Of documents in the whole text."""
    rank: int
    """Among the documents of its kind."""
    count_of_kind: int


def locate_in_template(template: str, rendered: str, path: str, document: int = 0) -> TemplateSpot | None:
    """The line of ``template`` that wrote the field at ``path`` of a rendered document, or that of a parent.

    ``None`` where not even the object's kind is known.

    Raises:
        ValueError: ``path`` cannot be read.
    """
    return TemplateSearch(template, rendered).find(path, document)


def in_template_order(rendered: str, template: str) -> str:
    """The documents of ``rendered``, which are sorted by kind, as ``template`` writes their kinds one after the other.

    Then they count as those that the bundled engine renders, and those of a template without actions as in its file.
    """
    lines: dict[bytes, list[int]] = {}
    for number, found in enumerate(_KIND.finditer(template.encode("utf-8", "replace"))):
        lines.setdefault(found[0].strip(), []).append(number)
    places: list[tuple[float, bytes]] = []
    seen: Counter[bytes] = Counter()
    for part in split_documents((rendered + "\n").encode("utf-8", "surrogatepass")):
        kind = _kind_line(part.text)
        known = lines.get(kind, ())
        places.append((known[min(seen[kind], len(known) - 1)] if known else math.inf, part.text))
        seen[kind] += 1
    ordered = sorted(places, key=lambda place: place[0])
    # Each but the first of a text begins with its border.
    texts = (
        text if _BORDER.match(text.decode("utf-8", "replace")) else b"---\n" + text for _, text in ordered
    )
    return b"".join(texts).decode("utf-8", "surrogatepass")


class TemplateSearch:
    """One template and what it rendered to, made ready for many questions."""

    def __init__(self, template: str, rendered: str) -> None:
        self._template = template
        self._lines = _template_lines(template)
        self._segments = _segments(self._lines)
        self._literal: dict[str, list[int]] = {}
        """Where lines without actions are, by each text that one can have been rendered to."""
        self._written: list[int] = []
        """Where those are that hold actions."""
        for index, line in enumerate(self._lines):
            if len(line.pieces) > 1:
                self._written.append(index)
            elif line.pieces:
                for text in {line.text, line.text.partition(" #")[0].rstrip()}:
                    self._literal.setdefault(text, []).append(index)
        self._parts = list(split_documents((rendered + "\n").encode("utf-8", "surrogatepass")))
        self._kinds = {part.index: _kind_line(part.text) for part in self._parts}
        self._documents: dict[int, tuple[_Document, tuple[int, int]] | None] = {}
        """Each with the lines of the template that rendered to it."""
        self._matches: dict[tuple[int, int, int, int], _Match] = {}
        """By document, line of it, and the lines searched: findings of one object have most of their parents in common."""

    def find(self, path: str, document: int = 0) -> TemplateSpot | None:
        """As ``locate_in_template``."""
        if document not in self._documents:
            source = _rendered_document(self._parts, self._kinds, document)
            self._documents[document] = (source, self._segment(source)) if source else None
        known = self._documents[document]
        steps = parse_path(path)
        return self._spot(*known, steps) if known and self._lines else None

    def _spot(self, source: _Document, segment: tuple[int, int], steps: Steps) -> TemplateSpot | None:
        low, high = segment
        parent: tuple[_Line, _Line] | None = None
        reached = 0
        for step, wanted in _chain(source, steps):
            if parent is None or wanted.number != parent[1].number:
                question = source.index, wanted.number, low, high
                if question not in self._matches:
                    self._matches[question] = self._match(
                        low, high, wanted, parent, is_item=isinstance(step, int)
                    )
                found = self._matches[question]
                if found is None:
                    break
                parent = (found[0], wanted)
                _, low, high = found
            reached += 1
        if parent is None:
            kinds = [line for line in self._lines[low:high] if line.text == source.kind]
            return TemplateSpot(kinds[0].number, kinds[0].indent + 1, False) if len(kinds) == 1 else None
        matched, exact, key = parent[0], reached == len(steps), ""
        if not _IN_BRACKETS.search(parent[1].text):
            key = _steering_key(self._template, self._lines[low - 1 : high], steps[reached:], is_exact=exact)
        return TemplateSpot(matched.number, matched.indent + 1, exact, key)

    def _match(
        self, low: int, high: int, wanted: _Line, parent: tuple[_Line, _Line] | None, *, is_item: bool
    ) -> _Match:
        at = self._only_match(low, high, wanted, parent, is_item)
        return None if at is None else (self._lines[at], at + 1, _end_of_block(self._lines, at, high))

    def _only_match(
        self, low: int, high: int, wanted: _Line, parent: tuple[_Line, _Line] | None, is_item: bool
    ) -> int | None:
        """The one line that can have been rendered to ``wanted``; literal equality and indentation break ties."""
        lines, text = self._lines, wanted.text
        found = [at for at in self._literal.get(text, ()) if low <= at < high]
        written = self._written[bisect_left(self._written, low) : bisect_left(self._written, high)]
        found += [at for at in written if _can_become(lines[at].pieces, text)]
        if len(found) > 1:
            found = [at for at in found if lines[at].text == text] or found
        if len(found) > 1:
            step = wanted.indent - parent[1].indent if parent else wanted.indent
            indent = (parent[0].indent if parent else 0) + step
            found = [at for at in found if lines[at].indent == indent] or ([] if is_item else found)
        return found[0] if len(found) == 1 else None

    def _segment(self, source: _Document) -> tuple[int, int]:
        """The part of the template, between ``---`` lines, that rendered to the document.

        The program ``helm`` writes the documents of a template sorted by kind, so the order among all of them proves
        nothing; that among those of one kind is the template's.
        """
        alike = [part.place for part in self._segments if source.kind in part.outermost]
        if len(alike) == 1:
            return alike[0]
        if len(alike) == source.count_of_kind:
            return alike[source.rank]
        whole = [
            part.place
            for part in self._segments
            if any(":" in x.text for x in self._lines[slice(*part.place)])
        ]
        if len(whole) == source.count and (not alike or whole[source.index] in alike):
            return whole[source.index]
        return 0, len(self._lines)


def _rendered_document(parts: Sequence[Part], kinds: Mapping[int, bytes], index: int) -> _Document | None:
    part = next((part for part in parts if part.index == index), None)
    if part is None:
        return None
    try:
        node = yaml.compose(part.text, Loader=_Marks)
    except (yaml.YAMLError, UnicodeError, RecursionError):
        return None
    if node is None:
        return None
    texts = part.text.decode("utf-8", "replace").split("\n")
    kind = kinds[index].decode("utf-8", "replace")
    before = [kinds[part.index] for part in parts if part.index < index]
    return _Document(
        node,
        texts,
        kind,
        index,
        len(parts),
        before.count(kinds[index]),
        list(kinds.values()).count(kinds[index]),
    )


def _kind_line(text: bytes) -> bytes:
    found = _KIND.search(text)
    return found[0].strip() if found else b""


def _chain(source: _Document, steps: Sequence[Step]) -> list[tuple[Step, _Line]]:
    """The steps that exist, each with its line in the rendered document."""
    node: yaml.Node | None = source.node
    chain: list[tuple[Step, _Line]] = []
    for step in steps:
        mark: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            mark, node = next((pair for pair in node.value if pair[0].value == str(step)), (None, None))
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            mark = node = node.value[step]
        if mark is None or mark.start_mark.line >= len(source.texts):
            break
        number = mark.start_mark.line
        text = source.texts[number]
        chain.append((step, _Line(number, len(text) - len(text.lstrip()), text.strip())))
    return chain


def _segments(lines: Sequence[_Line]) -> list[_Segment]:
    borders = [i for i, line in enumerate(lines) if line.indent == 0 and _BORDER.match(line.text)]
    return [
        _Segment((low, high), frozenset(line.text for line in lines[low:high] if line.indent == 0))
        for low, high in zip([0, *borders], [*borders, len(lines)], strict=True)
    ]


def _template_lines(template: str) -> list[_Line]:
    rows = template.split("\n")
    if len(rows) > _LINES:
        return []
    return [_template_line(n, row) for n, row in enumerate(rows, 1) if row.strip()]


def _template_line(number: int, row: str) -> _Line:
    text = row.strip()
    parts = tuple(_ACTION.split(text)) if "{{" in text else (text,)
    is_field = text.startswith("- ") or _LITERAL_KEY.match(text)
    return _Line(number, len(row) - len(row.lstrip()), text, parts[::2] if is_field else (), parts[1::2])


def _can_become(pieces: tuple[str, ...], rendered_line: str) -> bool:
    """Whether a line with a literal key, of these pieces around its actions, can have become ``rendered_line``."""
    position = 0
    if not rendered_line.startswith(pieces[0].rstrip()):
        return False
    for piece in pieces:
        text = piece.strip()
        position = rendered_line.find(text, position)
        if position < 0:
            return False
        position += len(text)
    return True


def _end_of_block(lines: Sequence[_Line], at: int, high: int) -> int:
    """Where what is below ``lines[at]`` ends: at the next key that is indented no deeper."""
    start = lines[at]
    depth = start.indent + (2 if start.text.startswith("- ") else 0)
    for index in range(at + 1, high):
        line = lines[index]
        if line.text.startswith(("{{", "#")):
            continue
        is_list_below_key = line.indent == start.indent and line.text.startswith("- ")
        if line.indent < depth and not (is_list_below_key and not start.text.startswith("- ")):
            return index
        if line.indent == start.indent and not is_list_below_key:
            return index
    return high


def _steering_key(template: str, block: Sequence[_Line], rest: Sequence[Step], *, is_exact: bool) -> str:
    """The key of the values that decides on the field, where exactly one can be named.

    ``block`` holds the line that was matched and what is below it.
    """
    matched = block[0]
    keys = {found[1][1:] for found in _VALUES.finditer(" ".join(matched.actions))}
    if is_exact and keys:
        return keys.pop() if len(keys) == 1 else ""
    if is_exact and not matched.text.endswith((":", "}}")):
        return ""
    actions = [(line, action) for line in block for action in line.actions]
    blocks = [(line, action) for line, action in actions if action.startswith("toYaml")]
    has_literals = any(not line.text.startswith(("{{", "#")) for line in block[1:])
    if len(blocks) != 1 or any(_PARTIAL.match(action) for _, action in actions):
        return ""
    # Items written out beside the block would shift its indexes.
    if has_literals and (is_exact or (rest and isinstance(rest[0], int))):
        return ""
    if has_literals and not _is_beside_literals(block, blocks[0][1]):
        return ""
    base = _block_key(template, *blocks[0])
    return format_path((*parse_path(base), *rest)) if base else ""


def _is_beside_literals(block: Sequence[_Line], action: str) -> bool:
    """Whether the action writes keys of the matched line itself, not of something below it: by its indentation."""
    beside = next(line.indent for line in block[1:] if not line.text.startswith(("{{", "#")))
    indent = _INDENT.search(action)
    return indent is not None and int(indent[1]) == beside


def _block_key(template: str, line: _Line, action: str) -> str:
    """``a.b`` of ``toYaml .Values.a.b``, and of ``toYaml .`` within ``with .Values.a.b``."""
    if found := _BLOCK_OF_VALUES.match(action):
        return found[1][1:]
    if not _BLOCK_OF_DOT.match(action):
        return ""
    for word, argument in open_blocks(template, line.number):
        if word == "with":
            found = _WHOLE_VALUES.match(argument)
            return found[1][1:] if found else ""
        if word in ("range", "define", "block"):
            return ""
    return ""


def open_blocks(template: str, before: int) -> Iterator[tuple[str, str]]:
    """The blocks that are open at a line, innermost first."""
    stack: list[tuple[str, str]] = []
    text = "\n".join(template.split("\n")[: before - 1])
    for action in _ACTION.findall(text):
        if opening := _OPENING.match(action):
            stack.append((opening[1], opening[2].strip()))
        elif action == "end" and stack:
            stack.pop()
    return reversed(stack)
