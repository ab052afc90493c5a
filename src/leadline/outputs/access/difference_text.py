"""What changed in access between two moments, for a terminal, a program and a spreadsheet."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from leadline.model.access import AccessDifference, AdminReach, HeldRights
from leadline.outputs.access.answer_text import csv_text, step_line
from leadline.outputs.rows.fix_summary import unread_lines
from leadline.outputs.text.plain import count, plain, wrapped

_LONGEST = 1_000
_SHOWN = 50
"""Rows of one kind in text; the other formats have all."""
_HEAD = ("Change", "Subject", "Namespace", "Names", "Verbs", "What", "Why")


def difference_lines(difference: AccessDifference, width: int) -> Iterator[str]:
    """New and gone ways to cluster admin, then gained and lost rights, then what was not read."""
    new = len(difference.new_subjects)
    who = f", of {count(new, 'subject')} that could not before" if new else ""
    yield from _ways(
        f"new ways to cluster admin  {len(difference.new_ways):,}{who}", difference.new_ways, width
    )
    yield from _ways(
        f"gone ways to cluster admin  {len(difference.gone_ways):,}", difference.gone_ways, width
    )
    for word, rights in (("gained", difference.gained), ("lost", difference.lost)):
        yield f"rights {word}  {count(len({one.subject for one in rights}), 'subject')}"
        for one in rights[:_SHOWN]:
            where = f"in {one.namespace}" if one.namespace else "in the whole cluster"
            only = f", only {', '.join(one.names)}" if one.names else ""
            yield from _indented(plain(f"{one.subject.title} {where}{only}", _LONGEST), width, 2)
            for verbs, what in _by_verbs(one):
                yield from _indented(plain(f"{verbs} on {', '.join(what)}", _LONGEST), width, 4)
        if len(rights) > _SHOWN:
            yield f"  and {len(rights) - _SHOWN:,} more; -f json has all"
    for side, unread, word in (
        ("old", difference.unread_before, "new"),
        ("new", difference.unread_after, "gone"),
    ):
        if unread:
            yield f"what is {word} may not be: {count(len(unread), 'part')} of the {side} side not read"
            yield from unread_lines(unread, width, shows_all=False)


def _ways(head: str, ways: Sequence[AdminReach], width: int) -> Iterator[str]:
    yield head
    for one in ways[:_SHOWN]:
        yield from _indented(f"{plain(one.subject.title)}: {plain(one.way) or 'is cluster admin'}", width, 2)
        for step in one.steps:
            yield from _indented(step_line(step), width, 4)
    if len(ways) > _SHOWN:
        yield f"  and {len(ways) - _SHOWN:,} more; -f json has all"


def _by_verbs(rights: HeldRights) -> Iterator[tuple[str, list[str]]]:
    """Resources and URLs with the same verbs together."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for what, verbs in rights.verbs.items():
        found[verbs].append(what)
    return ((", ".join(verbs), what) for verbs, what in sorted(found.items()))


def difference_csv(difference: AccessDifference) -> str:
    """A row for each change, then one for each part of either side that was not read."""
    return csv_text(_HEAD, _rows(difference))


def _rows(difference: AccessDifference) -> Iterator[tuple[str, ...]]:
    for word, ways in (
        ("new way to admin", difference.new_ways),
        ("gone way to admin", difference.gone_ways),
    ):
        for way in ways:
            yield word, way.subject.title, "", "", "", way.way, "; ".join(step.text for step in way.steps)
    for word, rights in (("gained", difference.gained), ("lost", difference.lost)):
        for one in rights:
            for verbs, what in _by_verbs(one):
                yield word, one.subject.title, one.namespace, " ".join(one.names), verbs, " ".join(what), ""
    for word, unread in (
        ("not read before", difference.unread_before),
        ("not read after", difference.unread_after),
    ):
        for part in unread:
            yield word, part.where, "", "", "", "", part.why


def _indented(text: str, width: int, indent: int) -> Iterable[str]:
    blanks = " " * indent
    return (blanks + line for line in wrapped(text, width - indent))
