"""Makes a report whole in itself, so that it can be shown where what was scanned is not.

Reading every file again costs what showing it once with ``-v`` does; a live scan therefore finds places one by one,
and only of what it shows.
"""

from collections.abc import Iterator

from msgspec import structs

from leadline.model.finding import Finding, Place
from leadline.model.report import PostureReport
from leadline.model.unread import Unread
from leadline.outputs.allowance import MOST_DRAWN, Allowance
from leadline.outputs.rows.objects_elsewhere import preventions
from leadline.outputs.rows.place import FindingPlaces, ShownPlaces


def sealed(report: PostureReport, places: ShownPlaces, most: int = MOST_DRAWN) -> PostureReport:
    """``report`` with the place and the source lines of every finding and all bodies; the same where it is sealed already.

    Lines come to ``most`` characters; those past that are counted in ``left_out``.
    """
    if report.is_sealed:
        return report
    found = FindingPlaces(report, places)
    drawn = Allowance(most)
    return structs.replace(
        with_bodies(report, places),
        findings=tuple(_placed(report.findings, found, drawn)),
        waived=tuple(
            structs.replace(one, finding=finding)
            for one, finding in zip(
                report.waived, _placed(tuple(one.finding for one in report.waived), found, drawn), strict=True
            )
        ),
        starts=dict(_starts(report, found)),
        # After the findings, so that what was counted for them is known.
        left_out=(*report.left_out, *_lines_left_out(report, drawn)),
        is_sealed=True,
    )


def with_bodies(report: PostureReport, places: ShownPlaces) -> PostureReport:
    """``report`` with the body of each object, as it may be shown."""
    return structs.replace(
        report, resources=tuple(structs.replace(one, body=places.body(one)) for one in report.resources)
    )


def _lines_left_out(report: PostureReport, drawn: Allowance) -> Iterator[Unread]:
    if drawn.left_out:
        why = f"source lines of {drawn.left_out:,} findings are not in the report: they are too long together"
        yield Unread(report.target.name, why, reason="too large")


def _placed(findings: tuple[Finding, ...], found: FindingPlaces, drawn: Allowance) -> Iterator[Finding]:
    # Findings of one object follow each other, and many point at one line.
    last: tuple[str, int] = ("", 0)
    lines: tuple[str, ...] = ()
    for finding in findings:
        place = found.find(finding)
        if place is None:
            yield finding
            continue
        spot = (finding.on, place.line)
        if spot != last:
            last, lines = spot, found.lines(finding, place)
        kept = lines if not lines or drawn.takes(sum(map(len, lines))) else ()
        parts = (finding.control, finding.resource, finding.violation, finding.related)
        yield Finding(*parts, place, kept, finding.is_namespaced)


def _starts(report: PostureReport, found: FindingPlaces) -> Iterator[tuple[str, Place]]:
    findings = (*report.findings, *(one.finding for one in report.waived))
    named = [other for finding in findings for other in finding.related]
    named += [one.resource.id for one in preventions(report)]
    for other in dict.fromkeys(named):
        place = found.start(report.resource(other))
        if place is not None:
            yield other, place
