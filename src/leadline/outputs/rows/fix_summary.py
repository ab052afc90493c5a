"""What is left for a person after the edits were made, in lines."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from leadline.model.control import Control, Missing, Remove, Review, Set
from leadline.model.finding import Finding
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.rows.control_groups import urgency
from leadline.outputs.text.plain import count, plain, wrapped

_IDS = 3
"""Controls named beside a question."""
_SHOWN = 8
"""Questions, and edits that were not made, of a summary."""


def question(finding: Finding) -> str:
    """What a person has to decide: ``what value for spec.x?``, ``can env[0] go?``, ``roleRef.name: bind a narrower role``."""
    path = plain(finding.path)
    match finding.violation:
        case Set():
            return f"what value for {path}?"
        case Remove():
            return f"can {path} go? something may rely on it"
        case Review(advice=advice):
            if path:
                return f"{path}: {plain(advice)}" if advice else f"is {path} needed?"
            return plain(advice) if advice else "is this object needed as it is?"
        case Missing(what=what):
            return f"add {plain(what)}?"


class Question(Struct, frozen=True):
    text: str
    controls: tuple[Control, ...]
    """Those that ask it, most urgent first."""
    titles: tuple[str, ...]
    """Of the objects that it is about."""


def questions(
    findings: Iterable[Finding], controls: Mapping[str, Control], objects: Mapping[str, Resource]
) -> list[Question]:
    """Each question once, however many controls ask it and objects it is about; most urgent first."""
    asking: dict[tuple[str, ...], dict[str, Finding]] = {}
    for finding in findings:
        asking.setdefault(finding.edit if finding.path else (finding.on, question(finding)), {})[
            finding.control
        ] = finding
    alike: dict[tuple[str, tuple[tuple[str, bool], ...]], tuple[tuple[Control, ...], dict[str, None]]] = {}
    for by_control in asking.values():
        chosen = sorted(by_control.values(), key=lambda one: urgency(one.control_of(controls)))
        first = chosen[0]
        title, text = plain(objects[first.on].title) if first.on in objects else "", question(first)
        asked_by = tuple((one.control, one.is_namespaced) for one in chosen)
        counted = tuple(one.control_of(controls) for one in chosen)
        alike.setdefault((text, asked_by), (counted, {}))[1][title] = None
    rows = [Question(text, counted, tuple(titles)) for (text, _), (counted, titles) in alike.items()]
    return sorted(rows, key=lambda row: urgency(row.controls[0]))


def question_lines(rows: Sequence[Question], width: int, *, shows_all: bool) -> Iterator[str]:
    """The questions, each with its objects on a line below it."""
    for row in rows if shows_all else rows[:_SHOWN]:
        first = row.controls[0]
        ids = ",".join(plain(control.id) for control in row.controls[:_IDS])
        ids += f" and {len(row.controls) - _IDS} more" if len(row.controls) > _IDS else ""
        yield from _indented(
            f"{first.severity}  {ids}  {plain(first.problem or first.title)}: {row.text}", width, 2
        )
        more = f" and {count(len(row.titles) - 1, 'more object')}" if len(row.titles) > 1 else ""
        yield from _indented(f"{row.titles[0]}{more}", width, 4)
    if len(rows) > _SHOWN and not shows_all:
        yield f"  and {len(rows) - _SHOWN:,} more   -v shows them"


def not_made_lines(rows: Sequence[tuple[str, str, str]], width: int, *, shows_all: bool) -> Iterator[str]:
    """Object, edit and reason of what could not be edited."""
    for title, edit, why in rows if shows_all else rows[:_SHOWN]:
        yield from _indented(f"{plain(title)}  {edit}", width, 2)
        yield from _indented(plain(why, 1_000), width, 4)
    if len(rows) > _SHOWN and not shows_all:
        yield f"  and {len(rows) - _SHOWN:,} more   -v shows them"


def risky_lines(rows: Sequence[tuple[str, str, str]], width: int, *, shows_all: bool) -> Iterator[str]:
    """Edit, reason and objects of what may stop a program, those alike together, most objects first."""
    alike: dict[tuple[str, str], dict[str, None]] = {}
    for title, edit, why in rows:
        alike.setdefault((edit, why), {})[title] = None
    ordered = sorted(alike.items(), key=lambda item: -len(item[1]))
    for (edit, why), titles in ordered if shows_all else ordered[:_SHOWN]:
        yield from _indented(f"{edit}: {plain(why, 1_000)}", width, 2)
        first, *others = titles
        more = f" and {count(len(others), 'more object')}" if others else ""
        yield from _indented(f"{plain(first)}{more}", width, 4)
    if len(ordered) > _SHOWN and not shows_all:
        yield f"  and {len(ordered) - _SHOWN:,} more   -v shows them"


def unread_lines(parts: Sequence[Unread], width: int, *, shows_all: bool) -> Iterator[str]:
    """What was not read, and so neither judged nor fixed, each with the reason."""
    yield f"not read  {len(parts):,}"
    for one in parts if shows_all else parts[:_SHOWN]:
        line = f":{one.line}" if one.line else ""
        yield from _indented(f"{plain(one.where, 4096)}{line}  {plain(one.why, 1_000)}", width, 2)
    if len(parts) > _SHOWN and not shows_all:
        yield f"  and {len(parts) - _SHOWN:,} more"


def _indented(text: str, width: int, indent: int) -> Iterator[str]:
    blanks = " " * indent
    yield from (blanks + line for line in wrapped(text, width - indent))
