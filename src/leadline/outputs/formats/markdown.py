"""Markdown for a comment on a pull request or the summary of a job: the verdict, the problems, what was not seen.

Where there is a baseline, what it knows is counted in the verdict, and what is new is in the tables.

Names that come with the input are within code, where neither markup nor mentions work.
"""

from collections.abc import Iterator
from typing import IO

from leadline.model.control import SEVERITIES
from leadline.model.report import PostureReport
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.edit_rows import EditRow, cause_rows, edits_in, row_fix, subject_text
from leadline.outputs.rows.place import FindingPlaces, file_of, path_of, titles_of
from leadline.outputs.rows.summary import closing, per_cent, scanned, target_name
from leadline.outputs.text.markdown_text import code, details, words, write_blocks
from leadline.outputs.text.plain import count, plain
from leadline.outputs.text.waiver_text import change_lines, odd_waivers, why_accepted

_ROWS = 50
_PARTS = 20
_HEAD = "| Severity | Problem | Where | Object | Change |\n|---|---|---|---|---|\n"


@format("markdown", suffix=".md")
def markdown(report: PostureReport, out: IO[str], page: Page) -> None:
    write_blocks(_blocks(report, page), out)


def _blocks(report: PostureReport, page: Page) -> Iterator[str]:
    """Pieces that may end the text between them."""
    is_clean = page.passed and report.change is None
    mark = "" if not page.verdict else "✅ " if is_clean else "⚠️ " if page.passed else "❌ "
    yield f"## {mark}Leadline: {code(target_name(report))}\n\n"
    if lines := [words(line) for line in change_lines(report)]:
        yield "\n".join((f"⚠️ **{lines[0]}**\n", *(f"- {line}" for line in lines[1:]), "\n"))
    yield f"{closing(report, page.verdict)}\n\n"
    yield f"{plain(scanned(report), 1_000)}\n\n"
    yield _numbers(report.new, report)
    yield from _changes(report, page)
    yield details("Not read", [f"{code(u.where)}: {words(u.why)}" for u in report.unread], _PARTS)
    undecided = [
        f"{code(u.control)}: {words(u.why)}, {count(len(u.resources), 'object')}" for u in report.undecided
    ]
    yield details("Undecided", undecided, _PARTS)
    accepted = [
        f"{code(one.finding.control)} {code(report.resource(one.finding.resource).title)}: "
        f"{words(why_accepted(report.waivers[one.waiver].waiver))}"
        for one in report.waived
    ]
    remarks = [words(remark) for remark in odd_waivers(report.waivers)]
    yield details("Accepted", [*accepted, *remarks], _PARTS)
    yield details("Left out", [f"{code(u.where)}: {words(u.why)}" for u in report.left_out], _PARTS)


def _changes(report: PostureReport, page: Page) -> Iterator[str]:
    """The table of edits; where a gate failed, those that it asks for, and the others folded up."""
    rows = cause_rows(report.new, FindingPlaces(report, page.places), page.least)
    if not rows:
        return
    title = titles_of(report)
    grave = SEVERITIES[: SEVERITIES.index(page.gate) + 1] if page.gate else SEVERITIES
    first = [row for row in rows if row.severity in grave]
    yield f"### {'What fails the gate' if page.gate else 'What to change'}\n\n{_HEAD}"
    for row in first[:_ROWS]:
        yield _row(row, report, page, subject_text(row, report, title))
    if len(first) > _ROWS:
        yield f"\n{count(edits_in(first[_ROWS:]), 'more edit')}, least urgent last.\n"
    if first:
        yield f"\n{code(f'leadline explain {first[0].controls[0].id}')} says why, with an example before and after.\n"
    if page.fix:
        yield f"\n{code(page.fix)} edits what needs no decision, and says what does.\n"
    yield "\n"
    if rest := [row for row in rows if row.severity not in grave]:
        what = "new edit" if report.baseline else "edit"
        summary = f"{count(edits_in(rest), what)} below the gate"
        table = "".join(_row(row, report, page, subject_text(row, report, title)) for row in rest[:_PARTS])
        more = f"\nand {edits_in(rest[_PARTS:]):,} more\n" if len(rest) > _PARTS else ""
        yield f"<details><summary>{summary}</summary>\n\n{_HEAD}{table}{more}\n</details>\n\n"


def _numbers(new: PostureReport, report: PostureReport) -> str:
    """How many are ``new``; scores are those of the whole."""
    pairs = new.severities()
    shown = [severity for severity in SEVERITIES if severity != "unknown" or pairs[severity]]
    head = " | ".join(severity.capitalize() for severity in shown)
    line = f"| {head} |\n|{'--:|' * len(shown)}\n| {' | '.join(f'{pairs[s]:,}' for s in shown)} |\n\n"
    scores = [f"{code(f.name)} {per_cent(report.compliance(f))}" for f in report.frameworks]
    return line + (f"Compliance: {', '.join(scores)}\n\n" if scores else "")


def _row(row: EditRow, report: PostureReport, page: Page, subject: str) -> str:
    holder = report.resource(row.finding.on)
    file = path_of(file_of(holder), page.folder, page.root) if file_of(holder) else ""
    spot = f"{file}:{row.place.line}" if file and row.place is not None else file or holder.title
    ids = ", ".join(control.id for control in row.controls[:3]) + (" …" if len(row.controls) > 3 else "")
    return f"| {row.severity} | {words(row.problem)} ({code(ids)}) | {code(spot)} | {code(subject)} | {code(row_fix(row))} |\n"
