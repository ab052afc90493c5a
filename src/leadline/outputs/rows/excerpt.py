"""The lines of a file that a finding is about, with the spot marked and the fix written beside it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile
from typing import Any

from msgspec import Struct

from leadline.kube.field_path import format_path, parse_path
from leadline.model.control import YOUR_VALUE, Missing, Remove, Review, Set
from leadline.model.finding import Finding, Place
from leadline.model.resource import Resource
from leadline.outputs.rows.place import FindingPlaces, file_of, missing_part, place_text, steering, value_at
from leadline.outputs.rows.remediation import fix
from leadline.outputs.text.plain import clipped, columns, plain, value_text, wrapped

_GUTTER = 5
_COLUMNS, _ADVICE, _ADDED = 20, 20, 60
"""Of one line of a file: places, and of each place pieces of advice and lines to add. The rest is counted."""
_BESIDE = 12
"""Columns that text beside a caret must have left, or it goes to a line of its own."""
_FLOW_ITEM = re.compile(r"[^,\]}]*")


Body = dict[str, Any]


class Line(Struct, frozen=True):
    """One line of an excerpt; ``mark`` is the part that may be coloured."""

    left: str
    mark: str = ""
    right: str = ""


class Excerpt(Struct, frozen=True):
    """What one or more findings of one control on one spot look like."""

    resource: Resource
    """The object that the spot is in."""
    where: str
    """``file:line:column``, only the file where the line is unknown; empty for objects without a file."""
    path: str
    """The field, or what the fields of several findings share; empty for the object as a whole."""
    lines: tuple[Line, ...]


def excerpts(findings: Sequence[Finding], places: FindingPlaces, width: int) -> Iterator[Excerpt]:
    """One excerpt per line that ``findings`` point at, in their order. All of one control and one object."""
    spots: dict[tuple[str, int], list[tuple[Finding, Place | None]]] = {}
    for finding in findings:
        place = places.find(finding)
        spots.setdefault((finding.on, place.line if place else 0), []).append((finding, place))
    said: set[str] = set()
    for spot in spots.values():
        finding, place = spot[0]
        holder = places.holder(finding)
        group = [f for f, _ in spot]
        if place is None:
            where = place_text(holder, None) if file_of(holder) else ""
            yield Excerpt(holder, where, "", tuple(_unmarked(group, width)))
        else:
            marked = _marked([(f, p) for f, p in spot if p], places, width, said)
            lines = (*marked, *_steered(spot, holder, width))
            yield Excerpt(holder, place_text(holder, place), _shared_path(group), lines)


def _shared_path(findings: list[Finding]) -> str:
    paths = {finding.path for finding in findings}
    if len(paths) == 1:
        return plain(paths.pop())
    try:
        steps = [parse_path(path) for path in paths]
    except ValueError:
        return ""
    shared = takewhile(lambda level: len(set(level)) == 1, zip(*steps, strict=False))
    return plain(format_path(level[0] for level in shared))


def _unmarked(findings: Iterable[Finding], width: int) -> Iterator[Line]:
    for finding in findings:
        yield from _beside(fix(finding), width)


def _steered(spot: Iterable[tuple[Finding, Place | None]], holder: Resource, width: int) -> Iterator[Line]:
    """What decides on the fields from elsewhere, each once."""
    for text in dict.fromkeys(steering(holder, place) for _, place in spot):
        yield from _beside(text, width)


def _beside(text: str, width: int) -> Iterator[Line]:
    margin = " " * (_GUTTER + 1)
    return (Line(margin + line) for line in wrapped(text, width - len(margin)))


def _marked(
    spot: list[tuple[Finding, Place]], places: FindingPlaces, width: int, said: set[str]
) -> Iterator[Line]:
    """The line, the one before it, and under it a row of carets for each column that findings point at.

    ``said`` are questions that were asked of lines before, which are not written out again.
    """
    (finding, place), room = spot[0], width - _GUTTER - 3
    first = max(1, place.line - 1)
    shown = places.lines(finding, place)
    if not shown:
        yield from _unmarked((f for f, _ in spot), width)
        return
    body = places.body(places.holder(finding))
    text, at = _clipped(shown[-1], place.column - 1, room)
    most = max(2, room // 2)
    if len(shown) > 1 and shown[0].strip() not in ("", "---"):
        yield Line(f"{first:>{_GUTTER}} | {_clipped(shown[0], 0, room)[0]}")
    yield Line(f"{place.line:>{_GUTTER}} | {text}")
    by_column: dict[int, list[tuple[Finding, bool]]] = {}
    for finding, place in spot:
        by_column.setdefault(place.column - 1, []).append((finding, place.exact))
    shift = at - (spot[0][1].column - 1)
    for column, pointing in islice(by_column.items(), _COLUMNS):
        findings = [f for f, _ in pointing]
        start = max(0, min(column + shift, len(text) - 1))
        length = _marked_length(
            shown[-1], column, is_parent=all(_adds(f, body) or not exact for f, exact in pointing)
        )
        # Removed with its line, a key behind a dash or within braces would take these along.
        begins_line = not shown[-1][:column].strip()
        advice = list(
            dict.fromkeys(
                _advice(f, body, text[start:], begins_line=begins_line, is_exact=exact)
                for f, exact in pointing
            )
        )
        asked = {f.violation.advice for f in findings if isinstance(f.violation, Review)}
        advice = ["likewise" if one in asked & said else one for one in advice]
        said |= asked
        yield from _carets(advice[:_ADVICE], text[start : start + length], columns(text[:start]), width)
        yield from (
            Line(clipped(line, width))
            for line in islice(_added(findings, body, shown[-1], (column, min(column, most))), _ADDED)
        )
    if len(by_column) > _COLUMNS:
        yield from _beside(f"{len(by_column) - _COLUMNS:,} more places on this line", width)


def _clipped(text: str, at: int, width: int) -> tuple[str, int]:
    """``text`` cut to ``width`` so that position ``at`` stays in sight, and the position in the cut text."""
    text = text.rstrip()
    at = min(at, max(0, len(text) - 1))
    if at > width - 20:
        text, at = "…" + text[at - 10 :], 11
    return clipped(text, width), min(at, width - 1)


def _carets(advice: list[str], marked: str, at: int, width: int) -> Iterator[Line]:
    """The carets under ``marked``, which is at column ``at``, and what to do about it."""
    margin = " " * _GUTTER + " | "
    spaces = " " * at
    mark = "^" * max(1, columns(marked))
    room = width - len(margin) - len(spaces) - len(mark) - 1
    first = wrapped(advice[0], room) if room >= _BESIDE else []
    if len(first) == 1:
        yield Line(margin + spaces, mark, " " + first[0])
        advice = advice[1:]
    else:
        yield Line(margin + spaces, mark)
    for further in advice:
        yield from (Line(" " * (_GUTTER + 3) + line) for line in wrapped(further, width - _GUTTER - 3))


def _marked_length(text: str, at: int, *, is_parent: bool) -> int:
    """How far the mark goes: over the key of a parent, the item of a flow, else the line's content."""
    before = text[:at]
    if sum(map(before.count, "[{")) > sum(map(before.count, "]}")):
        return len(_FLOW_ITEM.match(text[at:]).group().rstrip())  # type: ignore[union-attr]
    colon = text.find(":", at)
    if is_parent and colon > at:
        return colon - at
    comment = text.find(" #", at)
    return len((text[:comment] if comment > at else text).rstrip()) - at


def _adds(finding: Finding, body: Body) -> bool:
    return isinstance(finding.violation, Set) and bool(missing_part(body, finding.path))


def _is_flow(text: str) -> bool:
    """Whether what is at the start of ``text`` is written in braces, where lines cannot be added below."""
    return text.partition(":")[2].lstrip().startswith(("{", "["))


def _advice(finding: Finding, body: Body, text: str, *, begins_line: bool, is_exact: bool) -> str:
    """What to do. Where ``text`` is only that of a parent, the field is named."""
    last = _last_step(finding.path)
    match finding.violation:
        case Remove():
            value = value_at(body, finding.path)
            is_long = isinstance(value, dict | list) or (isinstance(value, str) and _goes_on(text))
            if isinstance(last, int):
                return "remove this entry"
            is_alone = begins_line and text.startswith(f"{last}:") and not is_long
            return "remove this line" if is_alone else f"remove {plain(str(last))}"
        case Set(value=value):
            if _adds(finding, body) and _is_flow(text):
                return f"add {'; '.join(_written(_tree([finding], body), 0))}"
            if _adds(finding, body):
                return "add below" if value != YOUR_VALUE else "add below (choose a value)"
            name = "this entry" if isinstance(last, int) else plain(str(last))
            if value == YOUR_VALUE:
                return f"set {'it' if is_exact else name} (choose a value)"
            return f"set to {value_text(value)}" if is_exact else f"set {name} to {value_text(value)}"
        case Review(advice=advice):
            return plain(advice) or "decide whether this is needed"
        case Missing(what=what):
            return f"add {plain(what)}"


def _goes_on(text: str) -> bool:
    """Whether the value that begins in ``text`` continues in the next line: a block, or an open quote."""
    begin = text.partition(":")[2].strip()
    return begin[:1] in ("|", ">") or (begin[:1] in ("'", '"') and begin.count(begin[0]) % 2 == 1)


def _last_step(path: str) -> str | int:
    try:
        steps = parse_path(path)
    except ValueError:
        return path
    return steps[-1] if steps else "this object"


# The lines to add


def _added(findings: list[Finding], body: Body, line: str, columns: tuple[int, int]) -> Iterator[str]:
    """The lines to add below the first of ``columns``, which is shown in the second."""
    at, shown_at = columns
    adding = [finding for finding in findings if _adds(finding, body)]
    if not adding or _is_flow(line[at:]):
        return
    missing = missing_part(body, adding[-1].path)
    indent = _indent(adding[-1].path, missing, at, line) - at + shown_at
    for text in _written(_tree(adding, body), max(0, indent)):
        yield " " * _GUTTER + " + " + text


def _tree(findings: list[Finding], body: Body) -> dict[str | int, Any]:
    """What ``Set`` findings write, nested by the steps that are missing."""
    tree: dict[str | int, Any] = {}
    for finding in findings:
        missing = missing_part(body, finding.path)
        branch = tree
        for step in missing[:-1]:
            inner = branch.setdefault(step, {})
            branch = inner if isinstance(inner, dict) else {}
        branch[missing[-1]] = finding.violation.value if isinstance(finding.violation, Set) else None
    return tree


def _indent(path: str, missing: Sequence[str | int], at: int, line: str) -> int:
    """Where the children of the marked spot start."""
    try:
        parent = parse_path(path)[: -len(missing)]
    except ValueError:
        return at
    if not parent:
        return 0
    if isinstance(parent[-1], int) and line[at : at + 1] != "-":
        return at
    return at + 2


def _written(tree: Any, indent: int) -> Iterator[str]:
    for step, value in tree.items():
        head = " " * indent + ("- " if isinstance(step, int) else f"{plain(step)}:")
        if not isinstance(value, dict) or not value:
            text = "YOUR VALUE" if value == YOUR_VALUE else value_text(value)
            yield f"{head.rstrip()} {text}" if isinstance(step, int) else f"{head} {text}"
        elif isinstance(step, int):
            inner = list(_written(value, indent + 2))
            yield head + inner[0].strip()
            yield from inner[1:]
        else:
            yield head
            yield from _written(value, indent + 2)
