"""GitLab's report of static analysis, version 15, for its security widget and dashboard.

Source: https://gitlab.com/gitlab-org/security-products/security-report-schemas (sast-report-format.json)
"""

from typing import IO, Any

from leadline.model.control import SEVERITIES, Control
from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.outputs.documents.fingerprints import Fingerprints
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.place import FindingPlaces, file_of, path_of, titles_of
from leadline.outputs.rows.remediation import control_text, fix
from leadline.outputs.rows.risk_marks import RiskMarks
from leadline.outputs.text.json_text import content_uuid, json_text
from leadline.outputs.text.passed_over import passed_over
from leadline.outputs.text.plain import plain
from leadline.outputs.text.waiver_text import change_lines, odd_waivers, why_accepted

VERSION = "15.0.7"
MOST = 25_000
_MOST_MESSAGES = 1_000
"""Of one sort."""
_SCANNER = {"id": "leadline", "name": "Leadline", "vendor": {"name": "Leadline"}}
_MOMENT = 19
"""Characters of a moment without its zone: the schema has none."""


@format("gitlab-sast", suffix=".gl-sast.json", with_scores=False)
def gitlab_sast(report: PostureReport, out: IO[str], page: Page) -> None:
    scanner = {**_SCANNER, "version": page.version or "0"}

    def rank(finding: Finding) -> int:
        return SEVERITIES.index(finding.control_of(report.controls_by_id).severity)

    shown = sorted((f for f in report.findings if rank(f) <= SEVERITIES.index(page.least)), key=rank)
    scan: dict[str, Any] = {
        "analyzer": scanner,
        "scanner": scanner,
        "type": "sast",
        "start_time": page.at[:_MOMENT],
        "end_time": page.at[:_MOMENT],
        "status": "success",
    }
    messages = _messages(report, max(0, len(shown) - MOST))
    document = {
        "version": VERSION,
        "scan": {**scan, "messages": messages} if messages else scan,
        "vulnerabilities": _vulnerabilities(report, shown[:MOST], page),
        "remediations": [],
    }
    out.write(json_text(document) + "\n")


def _messages(report: PostureReport, left_out: int) -> list[dict[str, str]]:
    over = [
        ("info" if sort.is_choice else "warn", line)
        for sort in passed_over(report, _MOST_MESSAGES)
        for line in (*(f"{sort.word}: {part.where}: {part.why}" for part in sort.parts), sort.rest)
        if line
    ]
    lines = [
        *(
            f"accepted: {one.finding.control} {one.finding.resource}: "
            f"{why_accepted(report.waivers[one.waiver].waiver)}"
            for one in report.waived[:_MOST_MESSAGES]
        ),
        *([f"{more:,} more accepted"] if (more := len(report.waived) - _MOST_MESSAGES) > 0 else ()),
        *(f"waivers: {remark}" for remark in odd_waivers(report.waivers)),
        *(f"undecided: {one.control}: {one.why}" for one in report.undecided),
        *([f"{left_out} findings of the lowest severities are left out"] if left_out else ()),
    ]
    first = (("warn", line) for line in change_lines(report))
    every = [*first, *over, *(("warn", line) for line in lines)]
    return [{"level": level, "value": plain(line, 1_000)} for level, line in every]


def _vulnerabilities(report: PostureReport, findings: list[Finding], page: Page) -> list[dict[str, Any]]:
    places, title = FindingPlaces(report, page.places), titles_of(report)
    fingerprints, marks = Fingerprints(report, places), RiskMarks(report, places)
    written = []
    for finding in findings:
        control, holder = finding.control_of(report.controls_by_id), places.holder(finding)
        place, name = places.find(finding), title(report.resource(finding.resource))
        mark, number = fingerprints.of(finding)
        location: dict[str, Any] = {
            "file": plain(path_of(file_of(holder), page.folder, page.root), 1_000) or name
        }
        if place is not None:
            location |= {"start_line": place.line, "end_line": place.line}
        text, change = control_text(control), plain(fix(finding), 2_000)
        why = plain(f"{text.why}. {text.body}", 2_000)
        risk = marks.of(finding)
        details: dict[str, Any] = {
            "object": {"name": "Object", "type": "text", "value": name},
            "change": {"name": "Change", "type": "text", "value": change},
        }
        if risk:
            details["risk"] = {"name": "Risk", "type": "text", "value": risk.text}
        written.append(
            {
                "id": content_uuid(f"{mark}:{number}".encode()),
                "category": "sast",
                # The schema wants nothing of the one object in it: GitLab groups by names.
                "name": plain(control.problem or control.title, 255)[:255],
                "description": f"{_code(name)}: {why}",
                "severity": control.severity.capitalize(),
                "solution": _code(change),
                "location": location,
                "details": details,
                "tracking": _tracking(location, f"{mark}:{number}"),
                "identifiers": [_identifier(control, text.links)],
                "links": [{"url": link} for link in text.links],
            }
        )
    return written


def _code(text: str) -> str:
    """``text`` as code: descriptions and solutions are Markdown, in which a name could mention people."""
    return f"`{text.replace('`', chr(39)) or ' '}`"


def _tracking(location: dict[str, Any], mark: str) -> dict[str, Any]:
    """What the finding is known by when lines move: without it GitLab goes by file and line."""
    place = {**location, "signatures": [{"algorithm": "hash", "value": mark}]}
    return {"type": "source", "items": [place]}


def _identifier(control: Control, links: tuple[str, ...]) -> dict[str, str]:
    name = plain(control.id, 255)
    identifier = {"type": "leadline_control", "name": f"Leadline {name}", "value": name}
    return {**identifier, "url": links[0]} if links else identifier
