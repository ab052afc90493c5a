"""A YAML document as nodes that know the text they are in, for editing."""

from collections.abc import Callable
from typing import Any

import yaml
from msgspec import Struct, field
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

from leadline.sources.yaml.parser import events_despite, parser_class
from leadline.sources.yaml.scalars import ScalarError, is_merge_key, key_text

_DEPTH_LIMIT = 250


class TreeError(Exception):
    """The text cannot be parsed into nodes."""


class Node(Struct):
    """One value. Offsets count characters of the document's text."""

    start: int
    end: int
    column: int


class ScalarNode(Node):
    text: str
    style: str
    """``""`` for plain, else the character that opens it."""
    is_plain: bool
    anchor: str | None
    tag: str | None = None


class AliasNode(Node):
    anchor: str


class MappingEntry(Struct):
    key: Node
    name: str
    """The key as Kubernetes reads it; ``<<`` for a merge."""
    value: Node
    is_merge: bool = False


class MappingNode(Node):
    is_flow: bool
    anchor: str | None
    entries: list[MappingEntry] = field(default_factory=list)

    def last(self, name: str) -> MappingEntry | None:
        """The entry that counts for ``name``."""
        found = [entry for entry in self.entries if entry.name == name and not entry.is_merge]
        return found[-1] if found else None


class SequenceNode(Node):
    is_flow: bool
    anchor: str | None
    items: list[Node] = field(default_factory=list)


def tree_of(text: str) -> tuple[Node, frozenset[str]]:
    """The root of one document, and the anchors that aliases repeat.

    Raises: ``TreeError`` for what is not YAML.
    """
    try:
        builder = _Tree(parser_class()(text).get_event)
        try:
            return builder.document(), frozenset(builder.repeated)
        except yaml.MarkedYAMLError as error:
            take = events_despite(error, text.encode("utf-8", "replace"))
            if take is None:
                raise
            builder = _Tree(take)
            return builder.document(), frozenset(builder.repeated)
    except (yaml.YAMLError, ScalarError, UnicodeError) as error:
        raise TreeError(str(error)) from error


class _Tree:
    def __init__(self, take: Callable[[], Any]) -> None:
        self._next = take
        self.repeated: set[str] = set()

    def document(self) -> Node:
        event = self._next()
        while type(event) is not DocumentStartEvent:
            if type(event) is StreamEndEvent:
                raise TreeError("the document is empty")
            event = self._next()
        return self._node(self._next(), 0)

    def _node(self, event: Any, depth: int) -> Node:
        start, end, column = event.start_mark.index, event.end_mark.index, event.start_mark.column
        if depth > _DEPTH_LIMIT:
            raise TreeError("nested too deep")
        if type(event) is ScalarEvent:
            style = event.style or ""
            return ScalarNode(
                start, end, column, event.value, style, event.implicit[0], event.anchor, event.tag
            )
        kind: type = type(event)
        if kind is AliasEvent:
            self.repeated.add(event.anchor)
            return AliasNode(start, end, column, event.anchor)
        if kind is MappingStartEvent:
            return self._mapping(MappingNode(start, end, column, bool(event.flow_style), event.anchor), depth)
        if kind is SequenceStartEvent:
            return self._sequence(
                SequenceNode(start, end, column, bool(event.flow_style), event.anchor), depth
            )
        raise TreeError("not a value")

    def _mapping(self, node: MappingNode, depth: int) -> Node:
        while True:
            event: Any = self._next()
            if isinstance(event, MappingEndEvent):
                node.end = _offset(event.end_mark)
                return node
            key = self._node(event, depth + 1)
            value = self._node(self._next(), depth + 1)
            if isinstance(key, ScalarNode):
                is_merge = is_merge_key(key.text, key.tag, (key.is_plain, False))
                name = key_text(key.text) if key.is_plain and not is_merge else key.text
                node.entries.append(MappingEntry(key, name, value, is_merge))
            else:
                node.entries.append(MappingEntry(key, "", value, is_merge=True))

    def _sequence(self, node: SequenceNode, depth: int) -> Node:
        while True:
            event: Any = self._next()
            if isinstance(event, SequenceEndEvent):
                node.end = _offset(event.end_mark)
                return node
            node.items.append(self._node(event, depth + 1))


def _offset(mark: Any) -> int:
    return int(mark.index)
