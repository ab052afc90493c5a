"""One line per edit, for pipes and editors: ``file:line:column: severity ids problem [object] fix``."""

from typing import IO

from leadline.model.report import PostureReport
from leadline.outputs.allowance import MOST_DRAWN, Allowance
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.edit_rows import edit_line, edit_rows
from leadline.outputs.rows.objects_elsewhere import prevention_text, preventions
from leadline.outputs.rows.place import FindingPlaces, place_text, titles_of
from leadline.outputs.rows.remediation import why
from leadline.outputs.text.plain import plain
from leadline.outputs.text.waiver_text import change_lines, odd_waivers, why_accepted

_MOST_OF_CHANGE = 1_000


@format("lines", suffix=".txt", with_scores=False)
def lines(report: PostureReport, out: IO[str], page: Page) -> None:
    places = FindingPlaces(report, page.places)
    title = titles_of(report)
    rows, drawn = Allowance(page.most), Allowance(MOST_DRAWN)
    for line in change_lines(report, _MOST_OF_CHANGE):
        out.write(f"change: {line}\n")
    for row in edit_rows(report.new, places, page.least):
        line = f"{edit_line(row, report, title)}\n"
        if not rows.takes(len(line)):
            continue
        out.write(line)
        if page.verbose:
            out.write(f"    {plain(why(row.controls[0]))}\n")
            source = places.lines(row.finding, row.place) if row.place else []
            if source and drawn.takes(len(source[-1])):
                out.write(f"    {source[-1].strip()}\n")
    for prevention in preventions(report) if page.verbose else ():
        out.write(f"{prevention_text(prevention, report, places, title)}\n")
    if rows.left_out or drawn.left_out:
        out.write(
            f"left out of this list for its length: {rows.left_out:,} findings, {drawn.left_out:,} source lines\n"
        )
    problems = {control.id: control.problem or control.title for control in report.controls}
    for one in report.waived:
        resource = report.resource(one.finding.resource)
        spot = place_text(places.holder(one.finding), places.find(one.finding))
        waiver = report.waivers[one.waiver].waiver
        out.write(
            f"{spot}: accepted {one.finding.control} {plain(problems[one.finding.control])} "
            f"[{title(resource)}] {why_accepted(waiver)}\n"
        )
    for remark in odd_waivers(report.waivers):
        out.write(f"waivers: {remark}\n")
    for undecided in report.undecided:
        for id in undecided.resources:
            resource = report.resource(id)
            where = place_text(resource, None)
            out.write(
                f"{where}: undecided {plain(undecided.control)} {plain(undecided.why)} [{title(resource)}]\n"
            )
    for word, unread in (
        *(("unread", u) for u in report.unread),
        *(("left out", u) for u in report.left_out),
    ):
        spot = f":{unread.line}" + (f":{unread.column}" if unread.column else "") if unread.line else ""
        hint = f"; {plain(unread.hint)}" if unread.hint else ""
        out.write(f"{plain(unread.where, 4096)}{spot}: {word} {plain(unread.why)}{hint}\n")
