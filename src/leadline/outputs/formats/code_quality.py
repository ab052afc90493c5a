"""GitLab's report of code quality, which shows findings beside the lines of a merge request in every tier.

Source: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

from leadline.model.control import SEVERITIES
from leadline.model.report import PostureReport
from leadline.model.unread import Unread
from leadline.outputs.documents.fingerprints import Fingerprints
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.place import FindingPlaces, file_of, path_of, titles_of
from leadline.outputs.rows.remediation import fix
from leadline.outputs.rows.risk_marks import RiskMarks
from leadline.outputs.text.json_text import content_uuid, json_text
from leadline.outputs.text.passed_over import passed_over
from leadline.outputs.text.plain import count, plain
from leadline.outputs.text.waiver_text import change_lines, why_accepted

MOST = 5_000
"""A report may have 10 MB."""
_SEVERITIES = {
    "critical": "blocker",
    "high": "critical",
    "medium": "major",
    "low": "minor",
    "unknown": "info",
}


@format("code-quality", suffix=".codequality.json", with_scores=False)
def code_quality(report: PostureReport, out: IO[str], page: Page) -> None:
    places, title = FindingPlaces(report, page.places), titles_of(report)
    controls = report.controls_by_id
    wanted = SEVERITIES[: SEVERITIES.index(page.least) + 1]
    shown = [f for f in report.findings if f.control_of(controls).severity in wanted]
    shown.sort(key=lambda finding: SEVERITIES.index(finding.control_of(controls).severity))
    fingerprints, marks = Fingerprints(report, places), RiskMarks(report, places)
    rows: list[dict[str, Any]] = list(_change(report, page))
    for finding in shown[:MOST]:
        control, holder, place = finding.control_of(controls), places.holder(finding), places.find(finding)
        mark, number = fingerprints.of(finding)
        name = title(report.resource(finding.resource))
        risk = marks.of(finding)
        at_risk = f" ({risk.text})" if risk else ""
        rows.append(
            _row(
                plain(f"{control.problem or control.title} in {name}: {fix(finding)}{at_risk}", 1_000),
                plain(control.id),
                f"{mark}{number if number > 1 else ''}",
                _SEVERITIES[control.severity],
                plain(path_of(file_of(holder), page.folder, page.root), 1_000) or name,
                place.line if place is not None else 1,
            )
        )
    rows += _accepted(report, places, fingerprints, page)
    for number, what in ((len(shown), "finding"), (len(report.waived), "accepted finding")):
        if number > MOST:
            rows.append(_rest(what, f"{count(number - MOST, what)} more", rows[0]["location"]["path"]))
    rows += _passed_over(report, page)
    out.write(json_text(rows) + "\n")


def _change(report: PostureReport, page: Page) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(change_lines(report)):
        mark = f"change-{number}-{content_uuid(line.encode('utf-8', 'replace'))}"
        severity, path = "info" if number else "major", plain(report.target.name, 1_000) or "."
        yield _row(plain(line, 1_000), "accepted-by-this-change", mark, severity, path)


def _accepted(
    report: PostureReport, places: FindingPlaces, fingerprints: Fingerprints, page: Page
) -> Iterator[dict[str, Any]]:
    controls, title = {control.id: control for control in report.controls}, titles_of(report)
    for one in report.waived[:MOST]:
        control, holder = one.finding.control_of(controls), places.holder(one.finding)
        mark, number = fingerprints.of(one.finding)
        why = why_accepted(report.waivers[one.waiver].waiver)
        place = places.find(one.finding)
        yield _row(
            plain(f"accepted: {control.problem or control.title}: {why}", 1_000),
            plain(control.id),
            f"accepted-{mark}{number if number > 1 else ''}",
            "info",
            plain(path_of(file_of(holder), page.folder, page.root), 1_000)
            or title(report.resource(one.finding.resource)),
            place.line if place is not None else 1,
        )


def _passed_over(report: PostureReport, page: Page) -> Iterator[dict[str, Any]]:
    for sort in passed_over(report, MOST):
        check = "left-out" if sort.is_choice else "unread"
        rows = [_part(check, sort.word, part, page) for part in sort.parts]
        seen: Counter[str] = Counter()
        for row in rows:
            what = f"{row['location']['path']} {row['description']}"
            mark = f"{check}-{content_uuid(what.encode('utf-8', 'replace'))}"
            seen[mark] += 1
            yield {**row, "fingerprint": mark if seen[mark] == 1 else f"{mark}-{seen[mark]}"}
        if sort.rest:
            yield _rest(sort.word, sort.rest, rows[0]["location"]["path"])


def _part(check: str, word: str, part: Unread, page: Page) -> dict[str, Any]:
    """Without its fingerprint: that follows from what it says and where, so that it stays what other files come to."""
    return {
        "description": plain(f"{word}: {part.why}", 1_000),
        "check_name": check,
        "severity": "info",
        "location": {
            "path": plain(path_of(part.where, page.folder, page.root), 1_000),
            "lines": {"begin": max(1, part.line)},
        },
    }


def _rest(what: str, text: str, path: str) -> dict[str, Any]:
    """How many a report could not hold; the form asks for a place, so it is that of the first which it holds."""
    return _row(text, "rest", f"rest-{what}", "info", path)


def _row(text: str, check: str, mark: str, severity: str, path: str, line: int = 1) -> dict[str, Any]:
    return {
        "description": text,
        "check_name": check,
        "fingerprint": mark,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": line}},
    }
