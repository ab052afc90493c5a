"""Where an edit of an object is written: in its file, in a base or patch, in the values or a template of a chart."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from leadline.errors import ManifestError
from leadline.kube.field_path import Steps, format_path, has_path, parse_path, value_at, with_value
from leadline.model.control import Remove, Set
from leadline.model.finding import Place
from leadline.model.resource import Resource
from leadline.outputs.rows.place import Places
from leadline.sources.regular_file import read_regular
from leadline.sources.rendering.locations import RenderedPlaces, source_spots
from leadline.sources.yaml.edit import InText, RemoveAt, SetAt, apply_edits
from leadline.sources.yaml.parser import LIMITS, parse_documents

_KEY_LINE = re.compile(
    r"^(?P<head>\s*(?:- )*(?P<key>[\w./-]+):)(?P<value>\s+[^\s#{&*|>][^#{]*?)?(?P<rest>\s*(?:#.*)?)$"
)
"""``key: value`` of a template without an action in it."""
_ACTION_LINE = re.compile(
    r"^\s*- [\w./-]+:\s+\"?[^{}\"]*\{\{-?\s*(?!(?:if|with|range|end|else|define|block)\b)[^{}]*\}\}[^{}]*$"
)
"""``- key: {{ an action }}`` of a template: the first line of an item, below which others can be added."""
_BLOCK = 400
"""Lines of a template that are looked at for a key."""
_UNPACK = "unpack it with tar -xzf, or give the value in a file of values"


class Added(Struct, frozen=True):
    """A value below a line of a template, at ``steps`` of the mapping that begins there."""

    indent: int
    """Of its first key."""
    steps: Steps
    value: Any


class LineChange(Struct, frozen=True):
    """A change of one line of a template, which is not YAML."""

    line: int
    """Counted from 1."""
    before: str
    after: tuple[str, ...]
    added: "Added | None" = None
    """What is below it afterwards."""


Change = RemoveAt | SetAt | InText | LineChange


class Edit(Protocol):
    """What is to be edited of one object."""

    @property
    def path(self) -> str:
        """From its root; for an item that is added the index it gets."""

    @property
    def change(self) -> Remove | Set: ...


class Spot(Struct, frozen=True):
    """One way to make an edit."""

    file: str
    """Absolute."""
    change: Change
    free: int = -1
    """Of an item that is added to a list: the first index that the list lacks."""


class NoSpotError(Exception):
    """The edit cannot be written anywhere; the message says why."""


class Given(Struct, frozen=True):
    """What the user gives charts in addition to what they hold."""

    values: tuple[str, ...] = ()
    """Absolute; later files win."""
    set: tuple[str, ...] = ()
    """``KEY=VALUE``: these win over every file."""


def spots_of(edit: Edit, resource: Resource, places: Places, given: Given) -> Iterator[Spot]:
    """The ways to make ``edit``, the best first.

    Raises: ``NoSpotError`` where there is none.
    """
    origin = resource.origin
    match origin.kind:
        case "file" if origin.path != "-":
            change = _change(edit.change, origin.inside + edit.path, origin.document)
            yield Spot(origin.file, change, _free_index(edit, resource))
        case "kustomize":
            yield from _in_kustomization(edit, resource)
        case "helm":
            yield from _in_chart(edit, resource, places, given)
        case _:
            raise NoSpotError("it comes from no file")


def _change(change: Remove | Set, path: str, document: int) -> RemoveAt | SetAt:
    return RemoveAt(path, document) if isinstance(change, Remove) else SetAt(path, change.value, document)


def _in_kustomization(edit: Edit, resource: Resource) -> Iterator[Spot]:
    found = None
    for found in source_spots(resource, edit.path, may_add=isinstance(edit.change, Set)):
        change = _change(edit.change, found.path, found.document)
        yield Spot(found.file, InText(found.text, change) if found.text else change)
    if found is None:
        raise NoSpotError("no base and no patch of the kustomization holds it")


def _in_chart(edit: Edit, resource: Resource, places: Places, given: Given) -> Iterator[Spot]:
    origin = resource.origin
    chart = Path(origin.root, origin.rendered_from)
    is_packed = not chart.is_dir()
    if is_packed and not (given.values or origin.values):
        raise NoSpotError(f"its chart is a packed file: {_UNPACK}")
    place = places.find(resource, edit.path)
    keys = list(_keys(edit, resource, places, place))
    fixed_by_hand = {entry.partition("=")[0] for entry in given.set}
    if taken := next((key for key in keys if fixed_by_hand.intersection(_with_parents(key))), ""):
        raise NoSpotError(f"its value {taken} is given for this run, over what files say")
    files = (*(str(chart / name) for name in ("values.yaml", *origin.values)), *given.values)
    said = {file: _values_in(file) for file in files if Path(file).is_file()} if keys else {}
    for key in keys:
        for file in _values_files(key, said):
            yield from (Spot(file, change) for change in _of_value(edit, key))
    if is_packed:
        raise NoSpotError(f"its chart is a packed file, and no file of values sets it: {_UNPACK}")
    template = Path(origin.root, origin.path)
    if place is not None and template.is_file():
        yield from _in_template(edit, resource, places, template)
    if keys:
        return
    if ".tgz/" in origin.path:
        packed = origin.path.partition(".tgz/")[0] + ".tgz"
        raise NoSpotError(f"its template is in the packed chart {packed}, and no value sets it: {_UNPACK}")
    if place is None:
        raise NoSpotError("its place in the template is not known")
    raise NoSpotError("neither a value nor a plain line of the template sets it")


def _with_parents(key: str) -> Iterator[str]:
    steps = parse_path(key)
    yield from (format_path(steps[:end]) for end in range(1, len(steps) + 1))


def _values_files(key: str, said: Mapping[str, Any]) -> Iterator[str]:
    """The file that says the value now, else the first, which is the chart's own; then the last, which wins."""
    files = list(said)
    saying = [file for file, values in said.items() if has_path(values, key)]
    yield from dict.fromkeys([*saying[-1:], *files[:1], *files[-1:]])


def _values_in(file: str) -> Any:
    try:
        content = read_regular(file, LIMITS.size_bytes)
    except OSError:
        return None
    return next((document.body for document in parse_documents(content)), None)


def _keys(edit: Edit, resource: Resource, places: Places, place: Place | None) -> Iterator[str]:
    """The keys of the values that may set the field, each once."""
    guesses = places.values_keys(resource, edit.path) if isinstance(places, RenderedPlaces) else ()
    traced = place.steered_by if place else ""
    yield from dict.fromkeys(key for key in (traced, *guesses) if key)


def _of_value(edit: Edit, key: str) -> Iterator[Change]:
    if isinstance(edit.change, Set):
        yield SetAt(key, edit.change.value)
    else:
        yield RemoveAt(key)
        yield SetAt(key, value=False)


def _in_template(edit: Edit, resource: Resource, places: Places, template: Path) -> Iterator[Spot]:
    """Changes of lines that hold no action, and new lines below one whose action writes but its value."""
    steps = parse_path(edit.path)
    for depth in range(len(steps), 1, -1):
        place = places.find(resource, format_path(steps[:depth]))
        if place is None or not place.exact:
            continue
        rest = steps[depth:]
        block = places.lines(resource, place.line, place.line + _BLOCK) or [""]
        line = block[0]
        plain_line = _KEY_LINE.match(line.rstrip("\r"))
        is_item = bool(rest) and isinstance(steps[depth - 1], int) and isinstance(rest[0], str)
        if is_item and (plain_line or _ACTION_LINE.match(line.rstrip("\r"))):
            if isinstance(edit.change, Set) and not _stands_in(block, str(rest[0])):
                yield Spot(str(template), _beside(place.line, line, rest, edit.change))
        elif plain_line:
            change = _of_line(plain_line, block, place.line, rest, edit.change)
            if change:
                yield Spot(str(template), change)
        return


def _of_line(
    found: re.Match[str], block: Sequence[str], number: int, rest: Sequence[str | int], change: Remove | Set
) -> LineChange | None:
    """A change of the line ``key: value`` that ``block`` begins with, or of what is below ``key:``."""
    line = block[0]
    if isinstance(change, Remove):
        is_whole = not rest and found["value"] and not found["head"].lstrip().startswith("-")
        return LineChange(number, line, ()) if is_whole else None
    if not rest and found["value"] and not isinstance(change.value, dict | list):
        value = _lines_of({found["key"]: change.value})[0].partition(":")[2]
        return LineChange(number, line, (found["head"] + value + found["rest"],))
    if rest and not found["value"] and isinstance(rest[0], str) and not _stands_in(block, rest[0]):
        return _below(number, line, rest, change)
    return None


def _stands_in(block: Sequence[str], key: str) -> bool:
    """Whether the block that the first line opens writes ``key`` for some values: a second one would be beside it."""
    head = block[0]
    indent = len(head) - len(head.lstrip())
    is_key = re.compile(rf"^\s*(?:- )*[\"']?{re.escape(key)}[\"']?:")
    for line in block[1:]:
        text = line.strip()
        if not text or text.startswith(("{{", "#")):
            continue
        if len(line) - len(line.lstrip()) <= indent and not (
            not head.lstrip().startswith("- ") and text.startswith("- ")
        ):
            return False
        if is_key.match(line):
            return True
    return False


def _below(number: int, line: str, rest: Sequence[str | int], change: Set) -> LineChange:
    """The missing keys on lines of their own below their parent's key."""
    indent = len(line) - len(line.lstrip()) + (2 if line.lstrip().startswith("- ") else 0)
    return LineChange(number, line, (line,), Added(indent + 2, tuple(rest), change.value))


def _beside(number: int, line: str, rest: Sequence[str | int], change: Set) -> LineChange:
    """The missing keys below the first line of their item, ``- name: web``."""
    indent = len(line) - len(line.lstrip())
    return LineChange(number, line, (line,), Added(indent + 2, tuple(rest), change.value))


def _added_lines(added: Sequence["Added"]) -> Iterator[str]:
    """What several edits add below one line, as one mapping."""
    whole: Any = {}
    for one in added:
        whole = with_value(whole, one.steps, one.value)
    for key, value in whole.items():
        yield from (" " * added[0].indent + line for line in _lines_of({str(key): value}))


def _lines_of(value: dict[str, object]) -> list[str]:
    """``value`` as lines of YAML in block style."""
    (key,) = value
    lines = apply_edits("a: 1\n", [SetAt(format_path((key,)), value[key])]).splitlines()[1:]
    return lines or [f"{key}: {value[key]}"]


def _free_index(edit: Edit, resource: Resource) -> int:
    """The length of the list that a ``Set`` adds an item to; -1 where it adds none."""
    *parents, last = parse_path(edit.path)
    if isinstance(edit.change, Remove) or not isinstance(last, int):
        return -1
    there = value_at(resource.body, tuple(parents))
    length = len(there) if isinstance(there, list) else 0
    return length if last >= length else -1


def changes_of(spots: Iterable[Spot]) -> list[Change]:
    """The changes of ``spots``, where items that are added to one list follow each other without a gap.

    Each has an index of its own from the beginning; those between may since have been refused.
    """
    changes: list[Change] = []
    added: dict[tuple[int, str], list[tuple[int, SetAt]]] = {}
    for spot in spots:
        if spot.free >= 0 and isinstance(spot.change, SetAt):
            parent = format_path(parse_path(spot.change.path)[:-1])
            added.setdefault((spot.change.document, parent), []).append((spot.free, spot.change))
        else:
            changes.append(spot.change)
    for (document, parent), rows in added.items():
        by_path = {change.path: change.value for _, change in rows}
        first = rows[0][0]
        for i, path in enumerate(sorted(by_path, key=_order)):
            changes.append(SetAt(f"{parent}[{first + i}]", by_path[path], document))
    return changes


def changed_text(text: str, changes: Sequence[Change]) -> str:
    """``text`` after ``changes``: what is set first, then what is removed, what is later in a list before the rest.

    Raises: ``ManifestError`` for the first that cannot be made.
    """
    lines = [change for change in changes if isinstance(change, LineChange)]
    sets = [change for change in changes if isinstance(change, SetAt)]
    removals = [change for change in changes if isinstance(change, RemoveAt)]
    ordered: list[RemoveAt | SetAt | InText] = sorted(
        sets, key=lambda c: (c.document, len(parse_path(c.path)), _order(c.path))
    )
    ordered += sorted(removals, key=lambda c: (c.document, _order(c.path)), reverse=True)
    within = [change for change in changes if isinstance(change, InText)]
    ordered += [one for one in within if isinstance(one.edit, SetAt)]
    taken_out = [one for one in within if isinstance(one.edit, RemoveAt)]
    taken_out.sort(key=lambda one: (one.edit.document, _order(one.edit.path)), reverse=True)
    ordered += taken_out
    text = apply_edits(text, ordered) if ordered else text
    return _with_lines(text, lines) if lines else text


def _with_lines(text: str, changes: Sequence[LineChange]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    rows = text.split(newline)
    by_line: dict[int, list[LineChange]] = {}
    for change in changes:
        by_line.setdefault(change.line, []).append(change)
    for number in sorted(by_line, reverse=True):
        together = by_line[number]
        added = [change.added for change in together if change.added]
        if rows[number - 1 : number] != [together[0].before.removesuffix("\r")] or (
            len({change.after for change in together}) > 1 or len({one.indent for one in added}) > 1
        ):
            raise ManifestError(f"line {number} was changed by another edit")
        try:
            rows[number - 1 : number] = (*together[0].after, *_added_lines(added))
        except ValueError as error:
            raise ManifestError(f"line {number} was changed by another edit") from error
    return newline.join(rows)


def _order(path: str) -> list[tuple[int, str]]:
    """Sorts indexes by number."""
    return [(step, "") if isinstance(step, int) else (0, step) for step in parse_path(path)]
