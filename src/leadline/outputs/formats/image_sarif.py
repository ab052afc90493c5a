"""SARIF 2.1.0 about an image: one rule per vulnerability and package, one result per place.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
"""

from collections.abc import Iterator
from typing import IO, Any

from leadline.model.image_report import ImageFinding, ImageReport
from leadline.model.images_report import ImagesReport
from leadline.model.vulnerability import Match
from leadline.outputs.documents.components import key_of
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.vulnerability_format import (
    advisories_of,
    best_score,
    not_seen,
    page_of,
    place_of,
    severity_of,
)
from leadline.outputs.rows.vulnerability_rows import fix_text, shown_name
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.plain import plain
from leadline.outputs.text.waiver_text import odd_waivers
from leadline.vulnerabilities.priority import reason

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 25_000
MOST_NOTES = 1000
MOST_USES = 100
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "unknown": "note"}
_SCORES = {"critical": 9.5, "high": 8.0, "medium": 5.5, "low": 2.0, "unknown": 0.0}


@format("sarif", suffix=".sarif", report=ImageReport)
def image_sarif(report: ImageReport, out: IO[str], page: Page) -> None:
    _write([_run(report, page)], out)


@format("sarif", suffix=".sarif", report=ImagesReport)
def images_sarif(report: ImagesReport, out: IO[str], page: Page) -> None:
    """One run for each image, known by its name; and one for what was not seen, which has no results."""
    runs = []
    for one in report.images:
        run = _run(one.report, page)
        run["automationDetails"] = {"id": f"leadline/{plain(one.names[0], 1000)}/"}
        run["properties"]["usedBy"] = [use.title for use in one.uses[:MOST_USES]]
        runs.append(run)
    unseen = [
        f"not read: {plain(one.where, 1000)}: {plain(one.why)}{_used_by(one.where, report)}"
        for one in not_seen(report)[:MOST_NOTES]
    ]
    unseen += list(odd_waivers(report.waivers))[:MOST_NOTES]
    if unseen or not runs:
        run = _empty_run(page, unseen)
        run["automationDetails"] = {"id": "leadline/not-read/"}
        runs.append(run)
    _write(runs, out)


def _used_by(name: str, report: ImagesReport) -> str:
    uses = next((one.uses for one in report.failed if one.unread.where == name), ())
    titles = list(dict.fromkeys(plain(use.title) for use in uses))
    return f" (run by {', '.join(titles[:5])}{' and more' if len(titles) > 5 else ''})" if titles else ""


def _write(runs: list[dict[str, Any]], out: IO[str]) -> None:
    out.write(json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": runs}) + "\n")


def _empty_run(page: Page, notes: list[str]) -> dict[str, Any]:
    return {
        "tool": {"driver": {"name": "Leadline", "version": page.version or "0", "rules": []}},
        "invocations": [
            {
                "executionSuccessful": True,
                "endTimeUtc": page.at,
                "toolExecutionNotifications": [
                    {"level": "warning", "message": {"text": note}} for note in notes
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [],
    }


def _run(report: ImageReport, page: Page) -> dict[str, Any]:
    rules: dict[str, dict[str, Any]] = {}
    results = []
    for match in report.vulnerabilities[:MOST_RESULTS]:
        rule = _rule(match)
        rules.setdefault(rule["id"], rule)
        results.append(_result(match, rule["id"], report))
    for finding in report.findings:
        rule = _finding_rule(finding)
        rules.setdefault(rule["id"], rule)
        results.append(_finding_result(finding, rule["id"]))
    results += _accepted(report, rules)
    places = {name: place for place, name in enumerate(rules)}
    for result in results:
        result["ruleIndex"] = places[result["ruleId"]]
    notes = [plain(gap) for gap in report.not_judged]
    notes += [
        f"not read: {plain(one.where, 1000)}: {plain(one.why)}" for one in report.sbom.unread[:MOST_NOTES]
    ]
    notes += list(odd_waivers(report.waivers))[:MOST_NOTES]
    run = _empty_run(page, notes)
    run["tool"]["driver"]["rules"] = list(rules.values())
    run["results"] = results
    run["properties"] = {
        "imageName": report.sbom.image.name,
        "databaseDate": report.database.date if report.database else "",
    }
    return run


def _accepted(report: ImageReport, rules: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What someone accepts, or a statement says is not affected; what feeds take back was never a finding."""
    for one in report.suppressed[:MOST_RESULTS]:
        if one.by in ("waiver", "VEX"):
            rule = _rule(one.match)
            rules.setdefault(rule["id"], rule)
            yield _result(one.match, rule["id"], report) | {"suppressions": [_suppression(one.why)]}
    for waived in report.waived_findings[:MOST_RESULTS]:
        rule = _finding_rule(waived.finding)
        rules.setdefault(rule["id"], rule)
        yield _finding_result(waived.finding, rule["id"]) | {"suppressions": [_suppression(waived.reason)]}


def _suppression(why: str) -> dict[str, Any]:
    return {"kind": "external", "status": "accepted", "justification": plain(why, 1000)}


def _rule(match: Match) -> dict[str, Any]:
    package = plain(shown_name(match.package))
    score = best_score(match) or _SCORES[severity_of(match)]
    text = plain(match.summary, 1000) or f"{match.id} in {package}"
    rule: dict[str, Any] = {
        "id": f"{match.id}-{match.package.name}",
        "name": "VulnerablePackage",
        "shortDescription": {"text": f"{match.id} {match.severity} in {package}"},
        "fullDescription": {"text": text},
        "help": {
            "text": f"{text}. {package} {plain(match.package.version)}: {plain(fix_text(match))}. {plain(reason(match))}.",
            "markdown": f"**{match.id}** {text}\n\n- package: {package} {plain(match.package.version)}\n"
            f"- fix: {plain(fix_text(match))}\n- why now: {plain(reason(match))}",
        },
        "defaultConfiguration": {"level": _LEVELS[severity_of(match)]},
        "properties": {
            "security-severity": f"{score:.1f}",
            "precision": "medium" if match.how == "CPE" else "very-high",
            "tags": ["security", "vulnerability", *match.weaknesses],
        },
    }
    address = page_of(match.id)
    return {**rule, "helpUri": address} if address else rule


def _result(match: Match, rule: str, report: ImageReport) -> dict[str, Any]:
    place = place_of(match, report)
    package = f"{shown_name(match.package)} {match.package.version}"
    text = f"{match.id} ({match.severity}) in {package}: {fix_text(match)}"
    return {
        "ruleId": rule,
        "level": _LEVELS[severity_of(match)],
        "message": {"text": plain(text, 1000)},
        "locations": [_location(place)],
        "partialFingerprints": {"match/v1": key_of(f"{match.id} {match.package.type} {package} {place}")},
        "properties": {"aliases": list(match.aliases), "advisories": list(advisories_of(match))},
    }


def _location(place: str) -> dict[str, Any]:
    """A path in the image. Jars within jars are named behind a colon, which is no part of an address."""
    path = plain(place, 1000).replace(" ", "%20").replace(":", "/")
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": path, "uriBaseId": "ROOTPATH"},
            "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1},
        },
        "message": {"text": plain(place, 1000)},
    }


def _finding_rule(finding: ImageFinding) -> dict[str, Any]:
    return {
        "id": finding.title.lower().replace(" ", "-"),
        "name": "".join(word.capitalize() for word in finding.title.replace("-", " ").split()),
        "shortDescription": {"text": finding.title},
        "help": {"text": finding.fix or finding.title},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "security-severity": f"{_SCORES[finding.severity]:.1f}",
            "tags": ["security", "image", *filter(None, (finding.control,))],
        },
    }


def _finding_result(finding: ImageFinding, rule: str) -> dict[str, Any]:
    detail = f": {finding.detail}" if finding.detail else ""
    return {
        "ruleId": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": plain(f"{finding.title}{detail}", 1000)},
        "locations": [_location(finding.where)],
        "partialFingerprints": {"finding/v1": key_of(f"{rule} {finding.where} {finding.detail}")},
    }
