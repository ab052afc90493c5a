"""Two scans beside each other as Markdown, HTML and PDF, for who reads neither a terminal nor JSON."""

from collections.abc import Iterator, Mapping, Sequence

from leadline.model.control import Control
from leadline.outputs.pdf.typeset import pdf_of
from leadline.outputs.text import html_page as html
from leadline.outputs.text import markdown_text as markdown
from leadline.outputs.text.comparison_text import (
    HEADS,
    DifferenceRow,
    Sides,
    difference_groups,
    not_read_rows,
    numbers_text,
    outside_text,
    score_text,
    scores_of,
)
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import plain

_MOST = 2_000
"""Rows of a group; the others are counted."""
_HEAD = ("Severity", "Problem", "Object", "Place", "What to do")


def _title(both: Sides) -> str:
    return f"{plain(both.old.target, 300) or 'before'} and {plain(both.new.target, 300) or 'now'}"


def _times(both: Sides) -> str:
    return f"{plain(both.old.at) or 'at an unknown time'} and {plain(both.new.at) or 'now'}"


def _cells(row: DifferenceRow) -> tuple[str, ...]:
    problem = f"{row.problem} ({', '.join(row.ids)})"
    line = f":{row.line}" if row.line else ""
    return row.severity, problem, row.object, f"{row.file}{line} {row.path}".strip(), row.edit or "decide"


def _more(rows: Sequence[DifferenceRow]) -> str:
    return f"and {len(rows) - _MOST:,} more, which JSON lists" if len(rows) > _MOST else ""


def difference_markdown(both: Sides, controls: Mapping[str, Control]) -> Iterator[str]:
    """Blocks, each with its line ends."""
    yield f"## Leadline: {markdown.words(_title(both))}\n\n{markdown.words(numbers_text(both))}. Compared: {markdown.words(_times(both))}.\n\n"
    for change, number, rows in difference_groups(both, controls):
        yield f"### {markdown.words(HEADS[change][1].capitalize())}: {number}\n\n"
        yield f"| {' | '.join(_HEAD)} |\n|{'---|' * len(_HEAD)}\n"
        for row in rows[:_MOST]:
            severity, problem, object, place, edit = _cells(row)
            cells = (
                severity,
                markdown.words(problem),
                markdown.code(object),
                markdown.code(place),
                markdown.words(edit),
            )
            yield f"| {' | '.join(cells)} |\n"
        yield f"\n{_more(rows)}\n\n" if _more(rows) else "\n"
    if both.difference.outside:
        yield f"{markdown.words(outside_text(both))}\n\n"
    if scores := list(scores_of(both)):
        yield "| Compliance | Before | Now | Change |\n|---|--:|--:|---|\n"
        yield from (
            f"| {markdown.words(name)} | {score_text(was)} | {score_text(now)} | {change} |\n"
            for name, was, now, change in scores
        )
        yield "\n"
    yield markdown.details("Not read", [markdown.code(row) for row in not_read_rows(both)], _MOST)


def difference_html(both: Sides, controls: Mapping[str, Control]) -> str:
    """One page that needs nothing else."""
    return html.document(f"Leadline: {_title(both)}", _parts(both, controls))


def _parts(both: Sides, controls: Mapping[str, Control]) -> Iterator[str]:
    numbers = both.difference.numbers
    yield f"<h1>{html.text(_title(both))}</h1><p class='soft'>{html.text(_times(both))}</p>"
    yield html.counts(
        [
            ("new", numbers.new, "high" if numbers.new else "good"),
            ("gone", numbers.gone, "good"),
            ("unchanged", numbers.unchanged, "unknown"),
            ("not looked at or not seen again", numbers.outside + numbers.unseen, "unknown"),
            ("not read", len(both.new.unread), "high" if both.new.unread else "good"),
        ]
    )
    for change, number, rows in difference_groups(both, controls):
        yield f"<h2>{html.text(HEADS[change][1].capitalize())}: {number}</h2>"
        yield html.table(
            _HEAD, [(row.severity, [html.text(cell) for cell in _cells(row)]) for row in rows[:_MOST]]
        )
        yield f"<p>{_more(rows)}</p>" if _more(rows) else ""
    if both.difference.outside:
        yield f"<p>{html.text(outside_text(both))}</p>"
    if scores := list(scores_of(both)):
        rows_of_scores = [
            ("", [html.text(name), score_text(was), score_text(now), html.text(change)])
            for name, was, now, change in scores
        ]
        yield "<h2>Compliance</h2>" + html.table(("Framework", "Before", "Now", "Change"), rows_of_scores)
    if unread := not_read_rows(both):
        yield f"<h2>Not read: {len(unread):,}</h2>" + html.items([html.text(row) for row in unread[:_MOST]])


def difference_pdf(both: Sides, controls: Mapping[str, Control], at: str) -> bytes:
    """The same to print; ``at`` is when it was made, RFC 3339.

    Raises: ``UsageError`` where typst is not installed.
    """
    data = {
        "at": at,
        "title": f"Kubernetes: {_title(both)}",
        "times": _times(both),
        "numbers": numbers_text(both),
        "groups": [
            {
                "title": f"{HEADS[change][1].capitalize()}: {number}",
                "rows": [[plain(cell, 400) for cell in _cells(row)] for row in rows[:_MOST]],
                "more": _more(rows),
            }
            for change, number, rows in difference_groups(both, controls)
        ],
        "notes": [outside_text(both)] if both.difference.outside else [],
        "scores": [
            [plain(name), score_text(was), score_text(now), change]
            for name, was, now, change in scores_of(both)
        ],
        "unread": not_read_rows(both)[:_MOST],
    }
    return pdf_of(json_text(data), "comparison.typ")
