"""The report as PDF, for those who decide: one page from above, then each namespace, then what was not seen.

What is written is the data; ``outputs.pdf`` sets it.
"""

import re
from collections.abc import Callable, Iterable
from typing import IO, Any

from leadline.model.control import SEVERITIES
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.format_registry import Page, format
from leadline.outputs.pdf.typeset import pdf_of
from leadline.outputs.rows.edit_rows import EditRow, cause_rows, edits_in, row_fix, subject_text
from leadline.outputs.rows.overview import first_fixes_of
from leadline.outputs.rows.place import FindingPlaces, place_text, titles_of
from leadline.outputs.rows.summary import closing, not_judged, scanned, scores, target_name
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import count, plain
from leadline.outputs.text.waiver_text import change_lines, odd_waivers, why_accepted

MOST = 2_000
"""Rows of all namespaces together, some 120 pages."""
_FIRST = 8
_NAMED = 200
"""Of what was not seen, in each group."""
_LONGEST = 400
"""Characters of one text."""

_UNBROKEN = re.compile(r"[^\s/._-]{30}")

_Data = dict[str, Any]


@format("pdf", suffix=".pdf", compiled=pdf_of, needs="typst")
def pdf(report: PostureReport, out: IO[str], page: Page) -> None:
    places = FindingPlaces(report, page.places)
    rows = cause_rows(report, places, page.least)
    title = titles_of(report)
    named = _named(report)
    tone = "good" if page.passed and page.verdict else "high" if page.verdict else "unknown"
    more = f"and {count(edits_in(rows[MOST:]), 'less urgent change')}, which another format lists"
    lines = [
        f"{one.finding.control} {report.resource(one.finding.resource).title}: "
        f"{why_accepted(report.waivers[one.waiver].waiver)}"
        for one in report.waived
    ]
    pairs = report.severities()
    cells = [(severity, pairs[severity], severity) for severity in SEVERITIES]
    others = [
        ("accepted", report.numbers.accepted, "soft"),
        ("undecided", report.objects_undecided, "soft"),
        ("not read", len(report.unread), "high"),
    ]
    data = {
        "at": page.at,
        "title": f"Kubernetes: {_short(target_name(report))}",
        "scanned": _short(f"{page.at} by Leadline {page.version}; {scanned(report)}"),
        "verdict": {"words": _short(page.verdict or closing(report)), "tone": tone},
        "counts": [
            {"words": words, "number": f"{number:,}", "tone": tone}
            for words, number, tone in [*cells, *others]
            if number
        ],
        "first": _first(report, rows, places, title),
        "scores": [{"name": _short(name), "score": _short(score)} for name, score in scores(report)],
        "not_seen": [{"words": group["title"], "number": group["number"]} for group in named],
        "namespaces": _namespaces(rows[:MOST], report, places, title),
        "more": more if len(rows) > MOST else "",
        "named": named,
        "accepted": [_short(line) for line in (*lines, *odd_waivers(report.waivers))][:_NAMED],
        "change": [_short(line, 1_000) for line in change_lines(report)],
    }
    out.write(json_text(data))


def _short(words: str, longest: int = _LONGEST) -> str:
    """The text as it is shown; one word without end may be broken, or it would run over the edge."""
    return _UNBROKEN.sub("\\g<0>\u200b", plain(words, longest))


def _first(
    report: PostureReport, rows: list[EditRow], places: FindingPlaces, title: Callable[[Resource], str]
) -> list[_Data]:
    """The objects to begin with; the most urgent changes where few objects fail."""
    if fixes := first_fixes_of(report, places):
        return [{"title": _short(one.title), "why": _short(one.why, 1_000)} for one in fixes]
    return [
        {
            "title": _short(subject_text(row, report, title)),
            "why": _short(f"{row.problem}: {row_fix(row)}"),
        }
        for row in rows[:_FIRST]
    ]


def _namespaces(
    rows: Iterable[EditRow], report: PostureReport, places: FindingPlaces, title: Callable[[Resource], str]
) -> list[_Data]:
    by_namespace: dict[str, list[_Data]] = {}
    for row in rows:
        ids = ", ".join(control.id for control in row.controls[:4])
        more = f" and {len(row.controls) - 4:,} more" if len(row.controls) > 4 else ""
        by_namespace.setdefault(report.resource(row.subjects[0]).namespace, []).append(
            {
                "severity": row.severity,
                "problem": _short(row.problem),
                "controls": _short(ids + more),
                "object": _short(subject_text(row, report, title)),
                "place": _short(place_text(places.holder(row.finding), row.place)),
                "fix": _short(row_fix(row)),
            }
        )
    names = sorted(by_namespace, key=lambda name: (not name, name))
    return [{"name": _short(name) or "Without a namespace", "rows": by_namespace[name]} for name in names]


def _named(report: PostureReport) -> list[_Data]:
    groups = [
        ("Not read", [_unread(part) for part in report.unread]),
        (
            "Undecided",
            [
                {"where": one.control, "why": _short(f"{one.why}, {count(len(one.resources), 'object')}")}
                for one in report.undecided
            ],
        ),
        ("Left out by choice", [_unread(part) for part in report.left_out]),
        (
            "Controls that judged nothing",
            [{"where": id, "why": _short(why)} for id, why in not_judged(report)],
        ),
    ]
    return [
        {
            "title": title,
            "number": f"{len(lines):,}",
            "lines": lines[:_NAMED],
            "more": f"and {len(lines) - _NAMED:,} more" if len(lines) > _NAMED else "",
        }
        for title, lines in groups
        if lines
    ]


def _unread(part: Unread) -> _Data:
    spot = f"{part.where}:{part.line}" if part.line else part.where
    return {"where": _short(spot), "why": _short(f"{part.why}{f'; {part.hint}' if part.hint else ''}")}
