"""Answers about access for a terminal, a program and a spreadsheet, and one path as a picture."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from csv import writer
from datetime import datetime
from io import StringIO
from itertools import groupby
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

import msgspec

from leadline.errors import UsageError
from leadline.model.access import (
    Access,
    AccessAnswer,
    AccessDifference,
    AccessStep,
    AccessUse,
    HeldRights,
    RoleUse,
)
from leadline.model.unread import Unread
from leadline.outputs.rows.fix_summary import unread_lines
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import cell_text, columns, count, plain, wrapped

Form = Literal["text", "json", "csv", "svg"]
Value = AccessAnswer | AccessDifference | AccessUse
Line = tuple[str, str]
"""What a line begins with, and a text that is broken between words below its beginning."""
Row = tuple[str, ...]
_LONGEST = 1_000
_SHOWN = 50
"""Of one sort in text; the other formats have all."""
_FEW = 8


def written(value: Value, form: Form, width: int, *, path: int = 0) -> str:
    """``value`` in ``form``, with line ends; ``width`` in columns of text.

    ``path`` counts from 1 and says that an answer is of paths to cluster admin; ``svg`` draws that one.

    Raises: ``UsageError`` for a path that there is not.
    """
    if form == "json":
        return f"{json_text({'isComplete': value.is_complete, **msgspec.to_builtins(value)})}\n"
    if form == "csv":
        return _csv(value)
    match value:
        case AccessAnswer() if form == "svg":
            if not 0 < path <= len(value.found):
                found = count(len(value.found), "path was", "paths were")
                raise UsageError(f"there is no path {path}: {found} found", hint="the text numbers them")
            return path_picture(value.found[path - 1])
        case AccessAnswer():
            lines = _path_lines(value) if path else _answer_lines(value)
            return _text((("", headline(value)), *lines, ("", ""), *_limits(value)), value.unread, width)
        case AccessDifference():
            return _text(_difference_lines(value, width), (), width)
        case AccessUse():
            return _text(_use_lines(value), value.unread, width)


def _text(lines: Iterable[Line], unread: Sequence[Unread], width: int) -> str:
    broken: list[str] = []
    for lead, text in lines:
        first, *more = wrapped(plain(text, _LONGEST), width - len(lead)) or [""]
        broken += (f"{lead}{first}", *(f"{' ' * len(lead)}{line}" for line in more))
    broken += unread_lines(unread, width, shows_all=False) if unread else ()
    return "".join(f"{line}\n" for line in broken)


def _cut(rows: Sequence[Iterable[Line]], noun: str, lead: str = "", most: int = _SHOWN) -> Iterator[Line]:
    """The first of ``rows``, and how many more there are."""
    for row in rows[:most]:
        yield from row
    if len(rows) > most:
        yield lead, f"and {count(len(rows) - most, f'more {noun}')}; -f json has all"


def headline(answer: AccessAnswer) -> str:
    """``who can get secrets: at least these 3 subjects, since 2 parts were not read``."""
    number = len({one.subject for one in answer.found}) if answer.counts == "subject" else len(answer.found)
    if answer.is_complete:
        nothing = "no one" if answer.counts == "subject" else "nothing"
        return f"{answer.question}: {count(number, answer.counts) if number else nothing}"
    limits = [count(len(answer.unread), "part was not read", "parts were not read")] if answer.unread else []
    limits += [f"no more than {answer.scope} could be read"] if answer.scope else []
    these = f"this {answer.counts}" if number == 1 else f"these {number:,} {answer.counts}s"
    found = f"at least {these}" if number else "not known"
    return f"{answer.question}: {found}, since {' and '.join(limits)}"


def _limits(answer: AccessAnswer) -> Iterator[Line]:
    """What the answer does not rest on."""
    if answer.stale:
        yield "bindings that give nothing  ", f"{len(answer.stale):,}"
    yield from _cut([[("  ", text)] for text in answer.stale], "binding", "  ", _FEW)
    yield from (("", f"note: {note}") for note in answer.notes)


def _answer_lines(answer: AccessAnswer) -> Iterator[Line]:
    """Each subject with its ways, a sentence a step."""
    ordered = sorted(answer.found, key=lambda one: (one.subject.title, one.world, one.namespace))
    by_subject = groupby(ordered, lambda one: one.subject.title)
    return _cut([_subject_lines(title, [*ways]) for title, ways in by_subject], "subject")


def _subject_lines(title: str, ways: Sequence[Access]) -> Iterator[Line]:
    """The rules of one role by one binding, which is named once."""
    yield from (("", ""), ("", title))
    for (world, namespace, first), alike in groupby(
        ways[:_SHOWN], lambda one: (one.world, one.namespace, one.steps[:-1])
    ):
        yield "  ", f"{_where(namespace)}{f'  [{world}]' if world else ''}"
        yield from (("    ", step_text(step)) for step in (*first, *(one.steps[-1] for one in alike)))
    yield from _cut([()] * (len(ways) - _SHOWN), "way", "  ", 0)


def _where(namespace: str) -> str:
    return f"in {namespace}" if namespace else "in the whole cluster"


def step_text(step: AccessStep) -> str:
    return f"{step.text}, {step.file}" if step.file else step.text


def _path_lines(answer: AccessAnswer) -> Iterator[Line]:
    """Each path with its number and a sentence a step; what an earlier one shows as well is named once."""
    indent = " " * (len(str(len(answer.found))) + 2)
    seen: dict[tuple[AccessStep, ...], int] = {}

    def path(number: int, access: Access) -> Iterator[Line]:
        steps = access.steps
        # Where the path begins, and where it continues after each way.
        starts = [0, *(i for i, step in enumerate(steps, 1) if step.kind == "way")]
        known = next((start for start in starts[1:] if steps[start:] in seen), len(steps))
        rendering = f"  [{access.world}]" if access.world else ""
        yield from (
            ("", ""),
            (f"{number:>{len(indent) - 2}}  ", f"{access.subject.title}{rendering}: {path_length(access)}"),
        )
        for step in steps[:known]:
            yield f"{indent}{'→ ' if step.kind in ('way', 'admin') else '  '}", step_text(step)
        if known < len(steps):
            yield f"{indent}  ", f"from there as in {seen[steps[known:]]}"
        for start in starts:
            seen.setdefault(steps[start:], number)

    return _cut([path(*one) for one in enumerate(answer.found, 1)], "path")


def path_length(access: Access) -> str:
    if access.since:
        return f"known since {access.since}"
    ways = sum(step.kind == "way" for step in access.steps)
    return f"{count(ways, 'way')} to take" if ways else "is cluster admin"


def _difference_lines(difference: AccessDifference, width: int) -> Iterator[Line]:
    """New and gone ways to cluster admin, then gained and lost rights, then what was not read."""
    new = len(difference.new_subjects)
    who = f", of {count(new, 'subject')} that could not before" if new else ""
    for word, ways, of in (("new", difference.new_ways, who), ("gone", difference.gone_ways, "")):
        yield f"{word} ways to cluster admin  ", f"{len(ways):,}{of}"
        yield from _cut([_way_lines(one) for one in ways], "way", "  ")
    for word, rights in (("gained", difference.gained), ("lost", difference.lost)):
        yield f"rights {word}  ", count(len({one.subject for one in rights}), "subject")
        yield from _cut([_rights_lines(one) for one in rights], "place", "  ")
    for side, word, unread in (
        ("old", "new", difference.unread_before),
        ("new", "gone", difference.unread_after),
    ):
        if unread:
            were = count(len(unread), "part was", "parts were")
            yield "", f"what is {word} here may not be {word}: {were} not read on the {side} side"
            yield from ((line, "") for line in unread_lines(unread, width, shows_all=False))


def _way_lines(way: Access) -> Iterator[Line]:
    yield "  ", f"{way.subject.title}: {way.way or 'is cluster admin'}"
    yield from (("    ", step_text(step)) for step in way.steps)


def _rights_lines(rights: HeldRights) -> Iterator[Line]:
    only = f", only {', '.join(rights.names)}" if rights.names else ""
    yield "  ", f"{rights.subject.title} {_where(rights.namespace)}{only}"
    yield from (("    ", f"{', '.join(verbs)} on {', '.join(what)}") for verbs, what in _by_verbs(rights))


def _by_verbs(rights: HeldRights) -> list[tuple[tuple[str, ...], list[str]]]:
    """Resources and URLs with the same verbs together."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for what, verbs in rights.verbs.items():
        found[verbs].append(what)
    return sorted(found.items())


def _use_lines(use: AccessUse) -> Iterator[Line]:
    """Each role with what was not used and the smaller one as a diff; then how much was observed, and what is not known."""
    idle = [one for one in use.roles if one.unused]
    yield "roles with unused rights  ", f"{len(idle):,} of {len(use.roles):,}"
    yield from _cut([_role_lines(one) for one in idle], "role")
    yield from (("", ""), ("", observed(use)), *(("", f"note: {note}") for note in use.notes))


def _role_lines(role: RoleUse) -> Iterator[Line]:
    file = f", {role.file}" if role.file else ""
    requests = count(role.requests, "request") if role.requests else "not used at all"
    yield from (("", ""), ("", f"{role.role}{file}: {requests}; held by {holders(role)}"))
    for word, texts in (("unused", role.unused), ("not known", role.unknown)):
        lead = f"  {word:9}  "
        yield from _cut([[(lead, text)] for text in texts], "right", " " * len(lead))
    if role.why_no_patch:
        yield "  ", f"no change: {role.why_no_patch}"
    yield from ((f"  {plain(line, _LONGEST)}", "") for line in role.patch)


def holders(role: RoleUse) -> str:
    """The first of them."""
    more = f" and {len(role.holders) - 3:,} more" if len(role.holders) > 3 else ""
    return f"{', '.join(one.title for one in role.holders[:3])}{more}"


def observed(use: AccessUse) -> str:
    """``observed 3 days 4 hours (… to …): 4,210 events, 12 sorts of requests replayed and still allowed``."""
    record = use.observed
    elsewhere = f"; {use.elsewhere:,} more that no role that was read allows" if use.elsewhere else ""
    return (
        f"observed {_span(record.first, record.last)}: {count(record.events, 'event')},"
        f" {count(record.refused, 'request')} refused, {count(use.replayed, 'sort')} of requests replayed and still"
        f" allowed after the changes{elsewhere}"
    )


def _span(first: str, last: str) -> str:
    if not first or not last:
        return "for a time that the log does not say"
    minutes = int((datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()) // 60
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    said = " ".join(count(number, noun) for number, noun in parts if number) or "less than a minute"
    return f"{said} ({first} to {last})"


def _csv(value: Value) -> str:
    """A head, a row for each way, right or change, then one for each part that was not read."""
    match value:
        case AccessAnswer():
            rows = _answer_rows(value)
        case AccessDifference():
            rows = _difference_rows(value)
        case AccessUse():
            rows = _use_rows(value)
    out = StringIO()
    writer(out, lineterminator="\n").writerows([cell_text(cell) for cell in row] for row in rows)
    return out.getvalue()


def _answer_rows(answer: AccessAnswer) -> Iterator[Row]:
    yield (
        "State",
        "Subject",
        "Namespace",
        "Verbs",
        "Resources",
        "URLs",
        "Names",
        "Steps",
        "File",
        "Rendering",
        "Since",
    )
    for one in answer.found:
        texts = (" ".join(each) for each in (one.verbs, one.resources, one.urls, one.names))
        file = next((step.file for step in one.steps if step.file), "")
        yield "allowed", one.subject.title, one.namespace, *texts, _joined(one), file, one.world, one.since
    limits = (
        [("only in part", "", f"at least these: no more than {answer.scope} could be read")]
        if answer.scope
        else []
    )
    limits += [("not read", part.where, f"at least these: {part.why}") for part in answer.unread]
    limits += [("gives nothing", "", text) for text in answer.stale]
    yield from ((state, where, *[""] * 7, why, "") for state, where, why in limits)


def _joined(access: Access) -> str:
    return "; ".join(step.text for step in access.steps)


def _difference_rows(difference: AccessDifference) -> Iterator[Row]:
    yield "Change", "Subject", "Namespace", "Names", "Verbs", "What", "Why"
    for word, ways in (("new", difference.new_ways), ("gone", difference.gone_ways)):
        yield from (
            (f"{word} way to admin", one.subject.title, "", "", "", one.way, _joined(one)) for one in ways
        )
    for word, rights in (("gained", difference.gained), ("lost", difference.lost)):
        for one in rights:
            place = one.subject.title, one.namespace, " ".join(one.names)
            yield from (
                (word, *place, ", ".join(verbs), " ".join(what), "") for verbs, what in _by_verbs(one)
            )
    for word, unread in (("before", difference.unread_before), ("after", difference.unread_after)):
        yield from ((f"not read {word}", part.where, "", "", "", "", part.why) for part in unread)


def _use_rows(use: AccessUse) -> Iterator[Row]:
    yield "State", "Role", "File", "Holders", "Requests", "What"
    for role in use.roles:
        what = role.role, role.file, " ".join(one.title for one in role.holders), str(role.requests)
        for state, texts in (("role", ("",)), ("unused", role.unused), ("not known", role.unknown)):
            yield from ((state, *what, text) for text in texts)
    yield from (("not read", "", part.where, "", "", part.why) for part in use.unread)


_CHARACTER, _LINE, _PADDING, _GAP, _MARGIN = 7, 18, 12, 26, 16
"""Pixels: of a character on average, of a line, around the text of a box, between boxes, around them all."""
_WIDEST = 90
"""Characters of a line in a box."""
_COLOURS = {"subject": "#111827", "way": "#b45309", "admin": "#b91c1c", "server": "#b91c1c"}
_OTHER_COLOUR = "#2563eb"
_STYLE = "text{font:13px sans-serif;fill:#fff}@media(prefers-color-scheme:dark){svg{background:#111827}}"


def path_picture(access: Access) -> str:
    """One path as an SVG document, boxes from top to bottom."""
    steps = (AccessStep("subject", access.subject.title), *access.steps)
    boxes = [(step, wrapped(plain(step.text, _LONGEST), _WIDEST) or [""]) for step in steps]
    inner = max(columns(line) for _, lines in boxes for line in lines) * _CHARACTER + 2 * _PADDING
    width, middle, y = inner + 2 * _MARGIN, _MARGIN + inner // 2, _MARGIN
    parts: list[str] = []
    for step, lines in boxes:
        height = len(lines) * _LINE + _PADDING
        if parts:
            parts.append(f'<path d="M{middle} {y}v{_GAP}" stroke="#6b7280" stroke-width="2" fill="none"/>')
            y += _GAP
        parts.append(
            f"<g><title>{escape(plain(step_text(step), _LONGEST))}</title><rect"
            f' x="{_MARGIN}" y="{y}" width="{inner}" height="{height}" rx="5" fill="{_COLOURS.get(step.kind, _OTHER_COLOUR)}"/>'
        )
        parts += (
            f'<text x="{middle}" y="{y + _LINE * i}" text-anchor="middle">{escape(line)}</text>'
            for i, line in enumerate(lines, 1)
        )
        parts.append("</g>")
        y += height
    label = quoteattr(f"How {plain(access.subject.title)} becomes cluster admin")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + _MARGIN}" viewBox="0 0 {width} {y + _MARGIN}"'
        f' role="img" aria-label={label}><style>{_STYLE}</style>{"".join(parts)}</svg>\n'
    )
