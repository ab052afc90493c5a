"""Annotations for GitHub Actions: printed in a job, they are beside the lines of a pull request.

Where there is a baseline they are about what is new alone: GitHub shows few, and the rest is for another day.
"""

from typing import IO

from msgspec.structs import replace

from leadline.model.report import PostureReport
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.edit_rows import cause_rows, edits_in, row_fix, subject_text
from leadline.outputs.rows.finding_places import FindingPlaces
from leadline.outputs.rows.place import file_of
from leadline.outputs.rows.summary import closing
from leadline.outputs.rows.titles import titles_of
from leadline.outputs.text.addresses import path_of
from leadline.outputs.text.change_text import change_lines
from leadline.outputs.text.passed_over import passed_over
from leadline.outputs.text.plain import count
from leadline.outputs.text.waiver_text import odd_waivers, waived_text
from leadline.outputs.text.workflow_commands import LEVELS, MOST, workflow_command


@format("github", suffix=".github.txt", with_scores=False)
def github(report: PostureReport, out: IO[str], page: Page) -> None:
    places, title = FindingPlaces(report, page.places), titles_of(report)
    if lines := change_lines(report):
        out.write(workflow_command("warning", {"title": lines[0]}, "\n".join(lines)))
    rows = cause_rows(report.new, places, page.least)
    for row in rows[:MOST]:
        holder = places.holder(row.finding)
        file = file_of(holder)
        where = {"file": path_of(file, page.folder, page.root)} if file else {}
        if row.place is not None:
            where |= {"line": str(row.place.line), "col": str(row.place.column)}
        ids = ", ".join(control.id for control in row.controls[:5])
        where["title"] = f"{row.severity}: {row.problem} ({ids})"
        message = f"{subject_text(row, report, title)}: {row_fix(row)}"
        out.write(workflow_command(LEVELS[row.severity], where, message))
    if len(rows) > MOST:
        more = f"{count(edits_in(rows[MOST:]), 'more edit')}; --format lines shows all"
        out.write(workflow_command("notice", {"title": "Leadline"}, more))
    known = len(report.unread) - len(report.new_unread)
    for sort in passed_over(replace(report, unread=report.new_unread), MOST):
        level = "notice" if sort.is_choice else "warning"
        for part in sort.parts:
            place = {"file": path_of(part.where, page.folder, page.root), "title": sort.word}
            if part.line:
                place["line"] = str(part.line)
            out.write(workflow_command(level, place, part.why))
        if sort.rest:
            out.write(
                workflow_command(level, {"title": "Leadline"}, f"{sort.rest}; --format lines shows all")
            )
    if known:
        again = f"{known:,} not read, as before this change; --format lines shows all"
        out.write(workflow_command("notice", {"title": "not read"}, again))
    for remark in odd_waivers(report.waivers):
        out.write(workflow_command("notice", {"title": "waiver"}, remark))
    accepted = f"; {waived_text(report.numbers.accepted, report.waivers)}" if report.waived else ""
    out.write(f"{closing(report, page.verdict)}{accepted}\n")
