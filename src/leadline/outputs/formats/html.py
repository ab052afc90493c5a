"""The report as one HTML file: what to fix first, then each namespace, then what was not seen."""

from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

from leadline.model.control import SEVERITIES
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.edit_rows import EditRow, cause_rows, edits_in, row_fix, subject_text
from leadline.outputs.rows.overview import first_fixes_of
from leadline.outputs.rows.place import FindingPlaces, place_text, steering, titles_of
from leadline.outputs.rows.remediation import control_text
from leadline.outputs.rows.summary import closing, not_judged, scanned, scores, target_name
from leadline.outputs.text.html_page import counts, document, items, link, row_filter, table, text
from leadline.outputs.text.plain import count
from leadline.outputs.text.waiver_text import change_lines, odd_waivers, why_accepted

MOST = 5_000
"""Rows of all namespaces together: more make a file that no browser scrolls well."""
_FIRST = 10
_SHOWN = 20
"""Of what was not seen, before the rest is folded away."""
_NO_NAMESPACE = "Without a namespace"
_HEAD = ("Severity", "Problem", "Object", "Where", "What to do")


class _Shown(NamedTuple):
    report: PostureReport
    places: FindingPlaces
    title: Callable[[Resource], str]


@format("html", suffix=".html")
def html(report: PostureReport, out: IO[str], page: Page) -> None:
    places = FindingPlaces(report, page.places)
    rows = cause_rows(report, places, page.least)
    groups = _by_namespace(rows[:MOST], report)
    titles = [(f"namespace-{number}", name or _NO_NAMESPACE) for number, name in enumerate(groups, 1)]
    boxes, style = row_filter([s for s in SEVERITIES if any(row.severity == s for row in rows)], titles)
    shown = _Shown(report, places, titles_of(report))
    parts = [f"<h1>{text(target_name(report))}</h1>", *_head(report, page), *_first(rows, shown)]
    if rows:
        parts += [boxes, *_namespaces(groups, shown)]
    if len(rows) > MOST:
        parts.append(
            f'<p class="soft">and {count(edits_in(rows[MOST:]), "less urgent change")}, which another format lists</p>'
        )
    parts += [*_scores(report), *_not_seen(report), *_accepted(report)]
    out.write(document(f"Kubernetes: {target_name(report)}", parts, style, with_filter=bool(rows)))


def _head(report: PostureReport, page: Page) -> Iterator[str]:
    yield f'<p class="soft">{text(page.at)} by Leadline {text(page.version)}; {text(scanned(report))}</p>'
    style = "good" if page.passed and page.verdict else "high" if page.verdict else "soft"
    if lines := change_lines(report):
        yield f'<p class="verdict high">{text(lines[0], 1_000)}</p>{items([text(line, 1_000) for line in lines[1:]])}'
    yield f'<p class="verdict {style}">{text(page.verdict or closing(report))}</p>'
    pairs = report.severities()
    cells: list[tuple[str, int, str]] = [
        (severity, pairs[severity], severity) for severity in SEVERITIES if pairs[severity]
    ]
    others = (
        ("accepted", report.numbers.accepted, ""),
        ("undecided", report.objects_undecided, ""),
        ("not read", len(report.unread), "high"),
    )
    cells += [(words, number, name) for words, number, name in others if number]
    yield counts(cells) if cells else '<p class="good">Nothing was found.</p>'


def _first(rows: list[EditRow], shown: _Shown) -> Iterator[str]:
    """The objects to begin with; the most urgent changes where few objects fail."""
    fixes = first_fixes_of(shown.report, shown.places)
    if fixes:
        steps = [f"<b>{text(one.title)}</b>: {text(one.why, 1_000)}" for one in fixes]
        yield f"<h2>Fix first</h2><ol>{''.join(f'<li>{step}</li>' for step in steps)}</ol>"
    elif rows:
        yield f"<h2>Fix first</h2>{_table(rows[:_FIRST], shown)}"


def _by_namespace(rows: list[EditRow], report: PostureReport) -> dict[str, list[EditRow]]:
    """Those without a namespace last."""
    found: dict[str, list[EditRow]] = {}
    for row in rows:
        found.setdefault(report.resource(row.subjects[0]).namespace, []).append(row)
    return {name: found[name] for name in sorted(found, key=lambda name: (not name, name))}


def _namespaces(groups: dict[str, list[EditRow]], shown: _Shown) -> Iterator[str]:
    if len(groups) > 1:
        links = [
            f'<a href="#namespace-{number}">{text(name or _NO_NAMESPACE)}</a> '
            f'<span class="soft">{count(edits_in(rows), "edit")}</span>'
            for number, (name, rows) in enumerate(groups.items(), 1)
        ]
        yield f"<nav><h2>Namespaces</h2>{items(links)}</nav>"
    for number, (name, rows) in enumerate(groups.items(), 1):
        heading = f"<h2>{text(name or _NO_NAMESPACE)}</h2>"
        yield f'<section class="group" id="namespace-{number}">{heading}{_table(rows, shown)}</section>'


def _table(rows: list[EditRow], shown: _Shown) -> str:
    return table(_HEAD, ((row.severity, _cells(row, shown)) for row in rows))


def _cells(row: EditRow, shown: _Shown) -> list[str]:
    holder = shown.places.holder(row.finding)
    links = control_text(row.controls[0]).links
    first = row.controls[0].id
    named = (link(links[0], first) if links else text(first), *(text(c.id) for c in row.controls[1:4]))
    ids = ", ".join(f'<span class="whole">{one}</span>' for one in named)
    more = f" and {len(row.controls) - 4:,} more" if len(row.controls) > 4 else ""
    by = steering(holder, row.place)
    return [
        text(row.severity),
        f'{text(row.problem)}<br><span class="soft">{ids}{more}</span>',
        _breakable(subject_text(row, shown.report, shown.title)),
        f'<span class="id">{_breakable(place_text(holder, row.place))}</span>',
        _breakable(row_fix(row)) + (f'<br><span class="soft">{text(by)}</span>' if by else ""),
    ]


def _breakable(words: str) -> str:
    """Names and paths, to be broken where a person would break them."""
    return text(words).replace("/", "/<wbr>").replace(".", ".<wbr>")


def _scores(report: PostureReport) -> Iterator[str]:
    rows = [("", (text(name), text(score))) for name, score in scores(report)]
    yield f"<h2>Compliance</h2>{table(('Framework', 'Score'), rows)}"


def _not_seen(report: PostureReport) -> Iterator[str]:
    yield "<h2>What was not seen</h2>"
    yield from _folded("Not read", [_unread(part) for part in report.unread])
    undecided = [
        f"{text(one.control)}: {text(one.why)}, {count(len(one.resources), 'object')}"
        for one in report.undecided
    ]
    yield from _folded("Undecided", undecided)
    yield from _folded("Left out", [_unread(part) for part in report.left_out])
    skipped = [f'<span class="id">{text(id)}</span> {text(why)}' for id, why in not_judged(report)]
    yield f"<details><summary>{count(len(skipped), 'control')} judged nothing</summary>{items(skipped)}</details>"
    if not (report.unread or report.left_out or report.undecided):
        yield '<p class="good">All input was read.</p>'


def _unread(part: Unread) -> str:
    spot = f"{part.where}:{part.line}" if part.line else part.where
    hint = f"; {text(part.hint)}" if part.hint else ""
    return f'<span class="id">{text(spot)}</span> {text(part.why)}{hint}'


def _folded(title: str, parts: list[str]) -> Iterator[str]:
    if not parts:
        return
    yield f"<h3>{title}: {len(parts):,}</h3>{items(parts[:_SHOWN])}"
    if len(parts) > _SHOWN:
        yield f"<details><summary>{len(parts) - _SHOWN:,} more</summary>{items(parts[_SHOWN:])}</details>"


def _accepted(report: PostureReport) -> Iterator[str]:
    lines = [
        f"{text(one.finding.control)} {text(report.resource(one.finding.resource).title)}: "
        f"{text(why_accepted(report.waivers[one.waiver].waiver))}"
        for one in report.waived
    ]
    lines += [text(remark) for remark in odd_waivers(report.waivers)]
    if lines:
        yield "<h2>Accepted</h2>"
        yield from _folded("Findings that waivers cover, and what is odd about waivers", lines)
