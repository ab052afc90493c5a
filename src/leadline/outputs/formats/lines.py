"""One line per field to change, for pipes and editors: ``file:line:column: severity id title [object] fix``."""

from typing import IO

from leadline.outputs.format import (
    SEVERITIES,
    FindingPlaces,
    Page,
    PostureReport,
    fix,
    format,
    place_text,
    plain,
    steering,
    titles_of,
)


@format("lines", suffix=".txt", with_scores=False)
def lines(report: PostureReport, out: IO[str], page: Page) -> None:
    controls = {control.id: control for control in report.controls}
    title = titles_of(report)
    places = FindingPlaces(report, page.places)
    shown = set(SEVERITIES[: SEVERITIES.index(page.least) + 1])
    for finding in report.findings:
        control = controls[finding.control]
        if control.severity not in shown:
            continue
        place, holder = places.find(finding), places.holder(finding)
        by = steering(holder, place)
        out.write(
            f"{place_text(holder, place)}: {control.severity} {control.id} {plain(control.title)}"
            f" [{title(report.resource(finding.resource))}] {fix(finding)}{f' ({by})' if by else ''}\n"
        )
    for unread in report.unread:
        spot = f":{unread.line}" + (f":{unread.column}" if unread.column else "") if unread.line else ""
        hint = f"; {plain(unread.hint)}" if unread.hint else ""
        out.write(f"{plain(unread.where, 4096)}{spot}: unread {plain(unread.why)}{hint}\n")
