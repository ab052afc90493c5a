"""One row for each finding, then what is accepted, undecided or was not read, for spreadsheets.

Form: https://www.rfc-editor.org/rfc/rfc4180
"""

from collections.abc import Iterator
from csv import writer
from typing import IO

from leadline.model.control import SEVERITIES
from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.place import FindingPlaces, file_of
from leadline.outputs.rows.remediation import fix
from leadline.outputs.text.plain import cell_text
from leadline.outputs.text.waiver_text import change_lines, odd_waivers, why_accepted

HEAD = (
    "State", "Severity", "Control", "Title", "Namespace", "Kind", "Name", "File", "Line", "Column", "Action", "Path",
    "What to do",
)  # fmt: skip


@format("csv", suffix=".csv", with_scores=False)
def csv(report: PostureReport, out: IO[str], page: Page) -> None:
    rows = writer(out, lineterminator="\n")
    rows.writerow(HEAD)
    for row in _rows(report, page):
        rows.writerow([cell_text(str(cell)) for cell in row])


def _rows(report: PostureReport, page: Page) -> Iterator[tuple[object, ...]]:
    places = FindingPlaces(report, page.places)
    controls = report.controls_by_id
    wanted = SEVERITIES[: SEVERITIES.index(page.least) + 1]

    def row(state: str, finding: Finding, what: str) -> tuple[object, ...]:
        control, place = finding.control_of(controls), places.find(finding)
        spot = (place.line, place.column) if place is not None else ("", "")
        return (
            state,
            control.severity,
            control.id,
            control.title,
            *_object(report.resource(finding.resource)),
            file_of(places.holder(finding)),
            *spot,
            finding.action,
            finding.path,
            what,
        )

    for line in change_lines(report):
        yield ("change", *[""] * 11, line)
    for finding in report.findings:
        if finding.control_of(controls).severity in wanted:
            yield row("failed", finding, fix(finding))
    for one in report.waived:
        yield row("accepted", one.finding, why_accepted(report.waivers[one.waiver].waiver))
    for undecided in report.undecided:
        control = controls[undecided.control]
        for id in undecided.resources:
            resource = report.resource(id)
            named = (*_object(resource), file_of(resource), "", "", "", "", undecided.why)
            yield ("undecided", control.severity, control.id, control.title, *named)
    for word, parts in (("not read", report.unread), ("left out", report.left_out)):
        for part in parts:
            what = "; ".join(text for text in (part.why, part.hint) if text)
            spot = (part.line or "", part.column or "")
            yield (word, "", "", "", "", "", "", part.where, *spot, "", "", what)
    for remark in odd_waivers(report.waivers):
        yield ("waivers", *[""] * 11, remark)


def _object(resource: Resource) -> tuple[str, str, str]:
    return resource.namespace, resource.kind, resource.name
