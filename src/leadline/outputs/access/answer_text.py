"""An answer about access for a terminal, a program and a spreadsheet."""

from collections.abc import Iterable, Iterator, Sequence
from csv import writer
from io import StringIO
from itertools import groupby

import msgspec

from leadline.model.access import Access, AccessAnswer, AccessDifference, AccessStep, AccessUse
from leadline.outputs.rows.fix_summary import unread_lines
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import cell_text, count, plain, wrapped

_LONGEST = 1_000
_SHOWN = 50
"""Subjects of one answer, and ways of one subject, in text; the other formats have all."""
_STALE = 8
_HEAD = ("State", "Subject", "Namespace", "Verbs", "Resources", "URLs", "Names", "Steps", "File", "Rendering")


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


def answer_lines(answer: AccessAnswer, width: int) -> Iterator[str]:
    """Each subject with its ways, a sentence a step; then what was not read."""
    yield from wrapped(plain(headline(answer), _LONGEST), width)
    by_subject = [
        (subject, list(ways)) for subject, ways in groupby(sorted(answer.found, key=_order), _subject)
    ]
    for subject, ways in by_subject[:_SHOWN]:
        yield ""
        yield plain(subject)
        for _, alike in groupby(ways[:_SHOWN], _binding):
            yield from _ways(list(alike), width)
        if len(ways) > _SHOWN:
            yield f"  and {count(len(ways) - _SHOWN, 'more way')}; -f json has all"
    if len(by_subject) > _SHOWN:
        yield f"and {count(len(by_subject) - _SHOWN, 'more subject')}; -f json has all"
    yield ""
    yield from limits_lines(answer, width)


def limits_lines(answer: AccessAnswer, width: int) -> Iterator[str]:
    """What the answer does not rest on."""
    if answer.stale:
        yield f"bindings that give nothing  {len(answer.stale):,}"
        for text in answer.stale[:_STALE]:
            yield from _indented(plain(text, _LONGEST), width, 2)
        if len(answer.stale) > _STALE:
            yield f"  and {len(answer.stale) - _STALE:,} more; -f json has all"
    for note in answer.notes:
        yield from wrapped(f"note: {plain(note, _LONGEST)}", width)
    if answer.unread:
        yield from unread_lines(answer.unread, width, shows_all=False)


def _order(access: Access) -> tuple[str, str, str]:
    return access.subject.title, access.world, access.namespace


def _subject(access: Access) -> str:
    return access.subject.title


def _binding(access: Access) -> tuple[str, str, tuple[AccessStep, ...]]:
    return access.world, access.namespace, access.steps[:-1]


def _ways(alike: Sequence[Access], width: int) -> Iterator[str]:
    """The rules of one role by one binding, which is named once."""
    first = alike[0]
    where = f"in {first.namespace}" if first.namespace else "in the whole cluster"
    rendering = f"  [{first.world}]" if first.world else ""
    yield from _indented(plain(f"{where}{rendering}", _LONGEST), width, 2)
    for step in (*first.steps[:-1], *(access.steps[-1] for access in alike)):
        yield from _indented(step_line(step), width, 4)


def step_line(step: AccessStep) -> str:
    return plain(f"{step.text}, {step.file}" if step.file else step.text, _LONGEST)


def as_json(value: AccessAnswer | AccessDifference | AccessUse) -> str:
    """All of it as one JSON object on a line."""
    return json_text({"isComplete": value.is_complete, **msgspec.to_builtins(value)})


def answer_csv(answer: AccessAnswer) -> str:
    """A row for each way, then one for each limit of the answer."""
    found = (
        (
            "allowed",
            one.subject.title,
            one.namespace,
            " ".join(one.verbs),
            " ".join(one.resources),
            " ".join(one.urls),
            " ".join(one.names),
            "; ".join(step.text for step in one.steps),
            next((step.file for step in one.steps if step.file), ""),
            one.world,
        )
        for one in answer.found
    )
    return csv_text(_HEAD, (*found, *limit_rows(answer, len(_HEAD))))


def limit_rows(answer: AccessAnswer, width: int) -> Iterator[tuple[str, ...]]:
    """Rows of ``width`` cells that say what the answer does not rest on."""
    blank = ("",) * (width - 3)
    if answer.scope:
        yield ("only in part", "", *blank, f"at least these: no more than {answer.scope} could be read")
    for part in answer.unread:
        yield ("not read", part.where, *blank, f"at least these: {part.why}")
    for text in answer.stale:
        yield ("gives nothing", "", *blank, text)


def csv_text(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    out = StringIO()
    written = writer(out, lineterminator="\n")
    written.writerow(head)
    for row in rows:
        written.writerow([cell_text(cell) for cell in row])
    return out.getvalue()


def _indented(text: str, width: int, indent: int) -> Iterator[str]:
    blanks = " " * indent
    yield from (blanks + line for line in wrapped(text, width - indent))
