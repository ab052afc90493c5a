"""Annotations for GitHub Actions: printed in a job, they are beside the lines of a pull request.

GitHub shows few, so that these are what the gate is about, and one notice for all the rest. Where no gate was asked
for, what is critical and high counts as such. Where there is a baseline they are about what is new alone.
"""

from collections.abc import Iterator
from typing import IO

from leadline.model.control import SEVERITIES
from leadline.model.report import PostureReport
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.edit_rows import EditRow, cause_rows, edits_in, row_fix, subject_text
from leadline.outputs.rows.place import FindingPlaces, file_of, path_of, titles_of
from leadline.outputs.rows.summary import closing
from leadline.outputs.text.plain import count, plain
from leadline.outputs.text.waiver_text import change_lines, odd_waivers, waived_text
from leadline.outputs.text.workflow_commands import LEVELS, MOST, workflow_command

_GRAVE = SEVERITIES[: SEVERITIES.index("high") + 1]


@format("github", suffix=".github.txt", with_scores=False)
def github(report: PostureReport, out: IO[str], page: Page) -> None:
    places, title = FindingPlaces(report, page.places), titles_of(report)
    if lines := change_lines(report):
        out.write(workflow_command("warning", {"title": lines[0]}, "\n".join(lines)))
    rows = cause_rows(report.new, places, page.least)
    asked = [row for row in rows if row.severity in _severities(page)]
    for row in asked[:MOST]:
        out.write(_annotation(row, subject_text(row, report, title), places, page))
    for part in report.new_unread[:MOST]:
        where = {"file": path_of(part.where, page.folder, page.root), "title": "not read"}
        if part.line:
            where["line"] = str(part.line)
        out.write(workflow_command("warning", where, part.why))
    if report.objects or report.unread:
        said = "; ".join(_summary(report, page, asked, edits_in(rows)))
        out.write(workflow_command("notice", {"title": "Leadline"}, said))
    # In the log of the job: what was left out by choice takes no annotation from what was found.
    out.writelines(f"{line}\n" for line in _left_out(report))
    accepted = f"; {waived_text(report.numbers.accepted, report.waivers)}" if report.waived else ""
    if report.objects or report.unread or report.left_out:
        out.write(f"{closing(report, page.verdict)}{accepted}\n")


def _severities(page: Page) -> tuple[str, ...]:
    """Those of the rows that the gate is about; none where a gate passed."""
    if page.gate is not None:
        return SEVERITIES[: SEVERITIES.index(page.gate) + 1]
    return () if page.verdict and page.passed else _GRAVE


def _annotation(row: EditRow, subject: str, places: FindingPlaces, page: Page) -> str:
    file = file_of(places.holder(row.finding))
    where = {"file": path_of(file, page.folder, page.root)} if file else {}
    if row.place is not None:
        where |= {"line": str(row.place.line), "col": str(row.place.column)}
    ids = ", ".join(control.id for control in row.controls[:5])
    where["title"] = f"{row.severity}: {row.problem} ({ids})"
    return workflow_command(LEVELS[row.severity], where, f"{subject}: {row_fix(row)}")


def _left_out(report: PostureReport) -> Iterator[str]:
    for part in report.left_out[:MOST]:
        yield f"left out  {plain(part.where, 4096)}: {plain(part.why)}"
    more = len(report.left_out) - MOST
    if more > 0:
        yield f"{more:,} more left out"


def _summary(report: PostureReport, page: Page, asked: list[EditRow], edits: int) -> Iterator[str]:
    """The verdict, what has no annotation, and what to do next."""
    yield closing(report, page.verdict)
    left = edits - edits_in(asked[:MOST])
    if left:
        yield f"{count(left, 'edit')} without an annotation"
    named = min(len(report.new_unread), MOST)
    if more := len(report.unread) - named:
        yield f"{more:,} {'more ' if named else ''}not read"
    yield from odd_waivers(report.waivers)
    if edits and page.fix:
        yield f"next: {page.fix}"
