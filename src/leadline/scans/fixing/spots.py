"""Where an edit of an object is written: in its file, in a base or patch, in the values or a template of a chart."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from leadline.errors import ManifestError
from leadline.kube.field_path import format_path, parse_path
from leadline.model.control import Remove, Set
from leadline.model.resource import Resource
from leadline.outputs.place import Places
from leadline.scans.fixing.wanted_edits import WantedEdit
from leadline.sources.rendering.locations import source_spot
from leadline.sources.yaml.edit import RemoveAt, SetAt, apply_edits

_KEY_LINE = re.compile(
    r"^(?P<head>\s*(?:- )*(?P<key>[\w./-]+):)(?P<value>\s+[^\s#{&*|>][^#{]*?)?(?P<rest>\s*(?:#.*)?)$"
)
"""``key: value`` of a template without an action in it."""


class LineChange(Struct, frozen=True):
    """A change of one line of a template, which is no YAML."""

    line: int
    """Counted from 1."""
    before: str
    after: tuple[str, ...]


Change = RemoveAt | SetAt | LineChange


class Spot(Struct, frozen=True):
    """One way to make an edit."""

    file: str
    """Absolute."""
    change: Change


class NoSpotError(Exception):
    """The edit cannot be written anywhere; the message says why."""


def spots_of(edit: WantedEdit, resource: Resource, places: Places) -> Iterator[Spot]:
    """The ways to make ``edit``, the best first.

    Raises: ``NoSpotError`` where there is none.
    """
    origin = resource.origin
    match origin.kind:
        case "file" if origin.path != "-":
            yield Spot(origin.file, _change(edit.change, origin.inside + edit.path, origin.document))
        case "kustomize":
            yield from _in_kustomization(edit, resource)
        case "helm":
            yield from _in_chart(edit, resource, places)
        case _:
            raise NoSpotError("it comes from no file")


def _change(change: Remove | Set, path: str, document: int) -> RemoveAt | SetAt:
    return RemoveAt(path, document) if isinstance(change, Remove) else SetAt(path, change.value, document)


def _in_kustomization(edit: WantedEdit, resource: Resource) -> Iterator[Spot]:
    found = source_spot(resource, edit.path, may_add=isinstance(edit.change, Set))
    if found is None:
        raise NoSpotError("no base and no patch of the kustomization holds it")
    file, document, path = found
    yield Spot(file, _change(edit.change, path, document))


def _in_chart(edit: WantedEdit, resource: Resource, places: Places) -> Iterator[Spot]:
    origin = resource.origin
    chart = Path(origin.root, origin.rendered_from)
    if not chart.is_dir() or ".tgz" in origin.path:
        raise NoSpotError("its chart is a packed file")
    place = places.find(resource, edit.path)
    if place is None:
        raise NoSpotError("its place in the template is not known")
    values = chart / "values.yaml"
    if place.steered_by and values.is_file():
        if isinstance(edit.change, Set):
            yield Spot(str(values), SetAt(place.steered_by, edit.change.value))
        else:
            yield Spot(str(values), RemoveAt(place.steered_by))
            yield Spot(str(values), SetAt(place.steered_by, value=False))
    template = Path(origin.root, origin.path)
    if template.is_file():
        yield from _in_template(edit, resource, places, template)
    if not place.steered_by:
        raise NoSpotError("neither a value nor a plain line of the template sets it")


def _in_template(edit: WantedEdit, resource: Resource, places: Places, template: Path) -> Iterator[Spot]:
    """Changes of lines that hold no action."""
    steps = parse_path(edit.path)
    for depth in range(len(steps), 1, -1):
        place = places.find(resource, format_path(steps[:depth]))
        if place is None or not place.exact:
            continue
        line = next(iter(places.lines(resource, place.line, place.line)), "")
        found = _KEY_LINE.match(line.rstrip("\r"))
        rest = steps[depth:]
        if found is None:
            return
        if isinstance(edit.change, Remove):
            if not rest and found["value"] and not found["head"].lstrip().startswith("-"):
                yield Spot(str(template), LineChange(place.line, line, ()))
        elif not rest and found["value"] and not isinstance(edit.change.value, dict | list):
            value = _lines_of({found["key"]: edit.change.value})[0].partition(":")[2]
            yield Spot(str(template), LineChange(place.line, line, (found["head"] + value + found["rest"],)))
        elif rest and not found["value"] and isinstance(rest[0], str):
            yield Spot(str(template), _below(place.line, line, rest, edit.change))
        elif rest and isinstance(steps[depth - 1], int) and isinstance(rest[0], str):
            yield Spot(str(template), _beside(place.line, line, rest, edit.change))
        return


def _below(number: int, line: str, rest: Sequence[str | int], change: Set) -> LineChange:
    """The missing keys on lines of their own below their parent's key."""
    indent = len(line) - len(line.lstrip()) + (2 if line.lstrip().startswith("- ") else 0)
    return LineChange(number, line, (line, *_new_lines(indent + 2, rest, change)))


def _beside(number: int, line: str, rest: Sequence[str | int], change: Set) -> LineChange:
    """The missing keys below the first line of their item, ``- name: web``."""
    indent = len(line) - len(line.lstrip())
    return LineChange(number, line, (line, *_new_lines(indent + 2, rest, change)))


def _new_lines(indent: int, rest: Sequence[str | int], change: Set) -> Iterator[str]:
    value = change.value
    for step in reversed(rest[1:]):
        value = [value] if isinstance(step, int) else {step: value}
    yield from (" " * indent + line for line in _lines_of({str(rest[0]): value}))


def _lines_of(value: dict[str, object]) -> list[str]:
    """``value`` as lines of YAML in block style."""
    (key,) = value
    lines = apply_edits("a: 1\n", [SetAt(format_path((key,)), value[key])]).splitlines()[1:]
    return lines or [f"{key}: {value[key]}"]


def changed_text(text: str, changes: Sequence[Change]) -> str:
    """``text`` after ``changes``: what is set first, then what is removed, what stands later in a list before the rest.

    Raises: ``ManifestError`` for the first that cannot be made.
    """
    lines = [change for change in changes if isinstance(change, LineChange)]
    sets = [change for change in changes if isinstance(change, SetAt)]
    removals = [change for change in changes if isinstance(change, RemoveAt)]
    ordered: list[RemoveAt | SetAt] = sorted(
        sets, key=lambda c: (c.document, len(parse_path(c.path)), _order(c.path))
    )
    ordered += sorted(removals, key=lambda c: (c.document, _order(c.path)), reverse=True)
    text = apply_edits(text, ordered) if ordered else text
    return _with_lines(text, lines) if lines else text


def _with_lines(text: str, changes: Sequence[LineChange]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    rows = text.split(newline)
    for change in sorted(set(changes), key=lambda change: -change.line):
        if rows[change.line - 1 : change.line] != [change.before.removesuffix("\r")]:
            raise ManifestError(f"line {change.line} was changed by another edit")
        rows[change.line - 1 : change.line] = change.after
    return newline.join(rows)


def _order(path: str) -> list[tuple[int, str]]:
    """Sorts indexes by number."""
    return [(step, "") if isinstance(step, int) else (0, step) for step in parse_path(path)]
