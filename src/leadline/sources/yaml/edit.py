"""Changes single values in YAML and JSON texts and leaves every other character as it is.

Each edit is a splice at the marks of the parser, and is proven: the text is read again and has to
mean exactly what it meant before, but for the edit.
"""

import re
from collections.abc import Sequence
from typing import Any

import orjson
from msgspec import Struct, structs

from leadline.errors import ManifestError
from leadline.kube.field_path import (
    Step,
    Steps,
    format_path,
    has_path,
    parse_path,
    value_at,
    with_value,
    without,
)
from leadline.sources.yaml.dump import (
    Layout,
    entry_lines,
    flow_text,
    item_lines,
    key_word,
    scalar_text,
    value_lines,
)
from leadline.sources.yaml.json import looks_like_json
from leadline.sources.yaml.parser import Document, parse_documents, split_documents
from leadline.sources.yaml.tree import (
    AliasNode,
    MappingEntry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    TreeError,
    tree_of,
)

_OCCURRENCES = 20
"""Of one key in one mapping, each of which is removed by itself."""


class EditError(ManifestError):
    """The edit cannot be made without changing something else; the message says why."""


class RemoveAt(Struct, frozen=True):
    """Delete the key or list item at ``path``; emptied parents stay as ``{}`` or ``[]``."""

    path: str
    """From the root of the document, ``items[3].spec.hostPID`` within a list."""
    document: int = 0


class SetAt(Struct, frozen=True):
    """Write ``value`` at ``path``; absent parents are created."""

    path: str
    value: Any
    document: int = 0


class InText(Struct, frozen=True):
    """An edit of the YAML or JSON text that is the value at ``path``, as patches do in kustomizations."""

    path: str
    edit: RemoveAt | SetAt
    document: int = 0


def apply_edits(text: str, edits: Sequence[RemoveAt | SetAt | InText]) -> str:
    """``text`` after ``edits``, made one after the other. Line ends are kept: read the file without translating them.

    Raises: ``EditError`` for the first edit that cannot be made; nothing is half done.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    content = text[len(mark) :].encode("utf-8", "surrogatepass")
    parts = {part.index: part for part in split_documents(content)}
    edited: dict[int, _Edited] = {}
    for edit in edits:
        if edit.document not in parts:
            raise EditError(f"the file has no document {edit.document + 1}")
        if edit.document not in edited:
            before = parts[edit.document].text.decode("utf-8", "surrogatepass")
            edited[edit.document] = _Edited(before, _body(before))
        edited[edit.document] = _apply(edited[edit.document], edit)
    for number in sorted(edited, reverse=True):
        part = parts[number]
        after = edited[number].text.encode("utf-8", "surrogatepass")
        content = content[: part.start] + after + content[part.start + len(part.text) :]
    return mark + content.decode("utf-8", "surrogatepass")


class _Edited(Struct, frozen=True):
    """The text of one document and what it means."""

    text: str
    body: Any


def _apply(document: _Edited, edit: RemoveAt | SetAt | InText) -> _Edited:
    body = document.body
    if isinstance(edit, InText):
        inner = value_at(body, edit.path)
        if not isinstance(inner, str):
            raise EditError(f"{edit.path} is not text")
        edit = SetAt(edit.path, apply_edits(inner, [edit.edit]))
    try:
        steps = parse_path(edit.path)
        expected = without(body, steps) if isinstance(edit, RemoveAt) else with_value(body, steps, edit.value)
    except ValueError as error:
        raise EditError(f"nothing can be written at {edit.path}: {error}") from error
    if _same(expected, body):
        return document
    try:
        if isinstance(edit, RemoveAt):
            after = _removed(document.text, steps)
        else:
            after = _set(document.text, body, steps, edit.value)
        result = _body(after)
    except TreeError as error:
        raise EditError(f"cannot edit {edit.path}: {error}") from error
    if not _same(result, expected):
        raise EditError(f"cannot edit {edit.path} without changing something else", hint="edit it by hand")
    return _Edited(after, result)


def _body(text: str) -> Any:
    documents: list[Document] = parse_documents(text.encode("utf-8", "surrogatepass"))
    if len(documents) != 1 or documents[0].problem:
        why = documents[0].problem.why if documents and documents[0].problem else "it is empty"
        raise EditError(f"the document cannot be read: {why}")
    return documents[0].body


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON, where ``true`` is not 1."""
    options = orjson.OPT_SORT_KEYS
    try:
        return orjson.dumps(one, option=options) == orjson.dumps(other, option=options)
    except TypeError:
        return False


def _layout(text: str, root: Node) -> Layout:
    newline = "\r\n" if "\r\n" in text else "\n"
    if looks_like_json(text.encode("utf-8", "surrogatepass")):
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError:
            return Layout(newline=newline)
        return Layout(newline=newline, is_json=True)
    steps, dashes = _indents(root)
    return Layout(min(steps, default=2), min(dashes, default=0), newline)


def _indents(root: Node) -> tuple[set[int], set[int]]:
    """By how much mappings, and dashes of lists, are indented below their keys."""
    steps, dashes = set(), set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, SequenceNode):
            waiting += node.items
        if not isinstance(node, MappingNode) or node.is_flow:
            continue
        for entry in node.entries:
            below = entry.value
            waiting.append(below)
            if isinstance(below, MappingNode) and not below.is_flow and below.column > entry.key.column:
                steps.add(below.column - entry.key.column)
            elif isinstance(below, SequenceNode) and not below.is_flow:
                dashes.add(below.column - entry.key.column)
    return steps, dashes


class _Found(Struct):
    """How far a path leads: the nodes along it, root first, and the entry of the last step in a mapping."""

    nodes: list[Node]
    entry: MappingEntry | None
    rest: Steps


def _walk(root: Node, steps: Steps, repeated: frozenset[str]) -> _Found:
    found = _Found([root], None, ())
    for at, step in enumerate(steps):
        node = found.nodes[-1]
        _refuse_shared(node, repeated)
        entry, below = _step(node, step)
        if below is None:
            found.rest = steps[at:]
            return found
        found.entry = entry
        found.nodes.append(below)
    if isinstance(found.nodes[-1], AliasNode) or (getattr(found.nodes[-1], "anchor", None) in repeated):
        _refuse_shared(found.nodes[-1], repeated)
    return found


def _step(node: Node, step: Step) -> tuple[MappingEntry | None, Node | None]:
    if isinstance(node, MappingNode):
        entry = node.last(str(step))
        return entry, entry.value if entry else None
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.items):
        return None, node.items[step]
    return None, None


def _refuse_shared(node: Node, repeated: frozenset[str]) -> None:
    if isinstance(node, AliasNode):
        raise EditError(f"it is in the alias *{node.anchor}", hint=f"edit the anchor &{node.anchor} by hand")
    anchor = getattr(node, "anchor", None)
    if anchor in repeated:
        raise EditError(
            f"it is in the anchor &{anchor}, which aliases repeat elsewhere", hint="edit it by hand"
        )


def _content_end(text: str, node: Node) -> int:
    """Where a value ends in the text, without the blank lines and comments that the parser counts to it."""
    if isinstance(node, MappingNode) and not node.is_flow and node.entries:
        last = node.entries[-1]
        return max(_content_end(text, last.value), last.key.end)
    if isinstance(node, SequenceNode) and not node.is_flow and node.items:
        return _content_end(text, node.items[-1])
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        header = text[node.start : text.find("\n", node.start)].partition("#")[0]
        if "+" in header:
            return len(text[: node.end].removesuffix("\n").removesuffix("\r"))
        return node.start + len(text[node.start : node.end].rstrip())
    return node.end


def _line_end(text: str, at: int) -> int:
    """The end of the line that ``at`` is in, before its newline."""
    end = text.find("\n", at)
    if end < 0:
        return len(text)
    return end - 1 if end > at and text[end - 1] == "\r" else end


def _after_colon(text: str, entry: MappingEntry) -> int:
    colon = re.compile(r"\s*:").match(text, entry.key.end)
    if colon is None or text[: entry.key.start].rstrip(" \t").endswith("?"):
        raise EditError("its key is written with '?'", hint="edit it by hand")
    return colon.end()


def _set(text: str, body: Any, steps: Steps, value: Any) -> str:
    root, repeated = tree_of(text)
    layout = _layout(text, root)
    found = _walk(root, steps, repeated)
    node = found.nodes[-1]
    if not found.rest:
        return _replaced(text, found, value, layout)
    for step in reversed(found.rest[1:]):
        value = [value] if isinstance(step, int) else {step: value}
    step = found.rest[0]
    if isinstance(node, MappingNode):
        return _with_entry(text, node, str(step), value, layout)
    if isinstance(node, SequenceNode):
        return _with_item(text, node, value, layout)
    wrapped = [value] if isinstance(step, int) else {step: value}
    if value_at(body, steps[: len(steps) - len(found.rest)]) is not None:
        raise EditError(f"{format_path(steps[:-1])} is not a mapping")
    return _replaced(text, found, wrapped, layout)


def _replaced(text: str, found: _Found, value: Any, layout: Layout) -> str:
    node, parent = found.nodes[-1], found.nodes[-2] if len(found.nodes) > 1 else None
    end = _content_end(text, node)
    is_collection = isinstance(value, dict | list) and bool(value)
    in_block = isinstance(parent, MappingNode) and not parent.is_flow
    if in_block and found.entry and (is_collection or not isinstance(node, ScalarNode)):
        start = _after_colon(text, found.entry)
        first, *lines = value_lines(value, found.entry.key.column, layout)
        if isinstance(node, ScalarNode) and node.style not in ("|", ">"):
            line_end = _line_end(text, end)
            below = "".join(layout.newline + line for line in lines)
            return text[:start] + first + text[end:line_end].rstrip() + below + text[line_end:]
        return text[:start] + layout.newline.join([first, *lines]) + text[end:]
    quote = node.style if isinstance(node, ScalarNode) else ""
    written = flow_text(value, layout)
    if isinstance(node, ScalarNode) and node.style == "|" and isinstance(value, str):
        block = _block_text(text[node.start : end], value, layout)
        if block:
            return text[: node.start] + block + text[end:]
    if isinstance(value, str) and not layout.is_json:
        written = scalar_text(value, quote)
    gap = " " if node.start == node.end and text[node.start - 1 : node.start] in (":", "-") else ""
    return text[: node.start] + gap + written + text[end:]


def _block_text(before: str, value: str, layout: Layout) -> str:
    """A literal block that says ``value``, with every line of ``before`` that need not change; empty where it cannot be one."""
    header, *rows = before.split(layout.newline)
    first = next((row for row in rows if row.strip()), "")
    indent = first[: len(first) - len(first.lstrip(" "))]
    lines = value.removesuffix("\n").split("\n")
    ends = {"|": value.endswith("\n"), "|-": not value.endswith("\n")}
    if (
        not ends.get(header.partition("#")[0].strip(), False)
        or not indent
        or any(line != line.rstrip("\r") for line in lines)
    ):
        return ""
    new = [indent + line if line else "" for line in lines]
    same = 0
    while same < min(len(rows), len(new)) and rows[same].rstrip() == new[same].rstrip():
        new[same] = rows[same]
        same += 1
    for back in range(1, min(len(rows), len(new)) - same + 1):
        if rows[-back].rstrip() != new[-back].rstrip():
            break
        new[-back] = rows[-back]
    return layout.newline.join([header, *new])


def _with_entry(text: str, node: MappingNode, key: str, value: Any, layout: Layout) -> str:
    if node.is_flow:
        word = key_word(key, layout)
        if node.entries and text[node.entries[-1].key.start] == '"':
            word = key_word(key, structs.replace(layout, is_json=True))
        ends = [(entry.key.start, max(entry.value.end, entry.key.end)) for entry in node.entries]
        return _with_flow(text, node, ends, f"{word}: {flow_text(value, layout)}", layout)
    at = _line_end(text, _content_end(text, node))
    lines = entry_lines(key, value, node.entries[0].key.column, layout)
    return text[:at] + "".join(layout.newline + line for line in lines) + text[at:]


def _with_item(text: str, node: SequenceNode, value: Any, layout: Layout) -> str:
    if node.is_flow:
        ends = [(item.start, item.end) for item in node.items]
        return _with_flow(text, node, ends, flow_text(value, layout), layout)
    at = _line_end(text, _content_end(text, node))
    lines = item_lines(value, node.column, layout)
    return text[:at] + "".join(layout.newline + line for line in lines) + text[at:]


def _with_flow(text: str, node: Node, spans: list[tuple[int, int]], written: str, layout: Layout) -> str:
    """Adds to a mapping or list in braces, on a line of its own where its siblings have one."""
    if not spans:
        return text[: node.start] + text[node.start : node.end - 1].rstrip() + written + text[node.end - 1 :]
    start, at = spans[-1]
    line_start = text.rfind("\n", 0, start) + 1
    indent = text[line_start:start]
    if line_start > node.start and not indent.strip():
        return f"{text[:at]},{layout.newline}{indent}{written}{text[at:]}"
    return f"{text[:at]}, {written}{text[at:]}"


def _removed(text: str, steps: Steps) -> str:
    """Removes every entry of the last key, should the mapping hold it twice."""
    for _ in range(_OCCURRENCES):
        root, repeated = tree_of(text)
        found = _walk(root, steps, repeated)
        if found.rest:
            raise EditError("it comes from a merge key '<<'", hint="edit it by hand")
        parent, last = found.nodes[-2], steps[-1]
        if isinstance(parent, MappingNode) and found.entry:
            spans = [(e.key.start, max(_content_end(text, e.value), e.key.end)) for e in parent.entries]
            text = _without(text, found, spans, parent.entries.index(found.entry))
        elif isinstance(parent, SequenceNode):
            spans = [(_item_start(text, parent, i), _content_end(text, i)) for i in parent.items]
            return _without(text, found, spans, int(last))
        if not has_path(_body(text), steps):
            return text
    raise EditError(f"its key starts more than {_OCCURRENCES} times", hint="edit it by hand")


def _item_start(text: str, parent: SequenceNode, item: Node) -> int:
    return item.start if parent.is_flow else len(text[: item.start].rstrip().removesuffix("-"))


def _without(text: str, found: _Found, spans: list[tuple[int, int]], index: int) -> str:
    parent = found.nodes[-2]
    start, end = spans[index]
    is_flow = isinstance(parent, MappingNode | SequenceNode) and parent.is_flow
    if len(spans) == 1:
        return _emptied(text, found, is_flow=is_flow)
    if is_flow and index < len(spans) - 1:
        return text[:start] + text[spans[index + 1][0] :]
    if is_flow:
        return text[: spans[index - 1][1]] + text[end:]
    line_start = text.rfind("\n", 0, start) + 1
    line_end = _line_end(text, end)
    if not text[line_start:start].strip():
        following = text.find("\n", line_end)
        return text[:line_start] + (text[following + 1 :] if following >= 0 else "")
    return text[:start] + text[line_end:].lstrip()


def _emptied(text: str, found: _Found, *, is_flow: bool) -> str:
    node = found.nodes[-2]
    brackets = "{}" if isinstance(node, MappingNode) else "[]"
    end = _content_end(text, node)
    above = found.nodes[-3] if len(found.nodes) > 2 else None
    if not is_flow and isinstance(above, MappingNode):
        entry = next(entry for entry in above.entries if entry.value is node)
        colon = _after_colon(text, entry)
        return f"{text[:colon]} {brackets}{text[colon : node.start].rstrip()}{text[end:]}"
    return text[: node.start] + brackets + text[end:]
