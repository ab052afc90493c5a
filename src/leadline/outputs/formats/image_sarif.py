"""SARIF 2.1.0 about an image: one rule per vulnerability and package, one result per place.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
"""

from typing import IO, Any

from leadline.outputs.vulnerability_format import (
    ImageFinding,
    ImageReport,
    Match,
    Page,
    best_score,
    fix_text,
    format,
    json_text,
    key_of,
    page_of,
    place_of,
    plain,
    reason,
    severity_of,
    shown_name,
)

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 25_000
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "unknown": "note"}
_SCORES = {"critical": 9.5, "high": 8.0, "medium": 5.5, "low": 2.0, "unknown": 0.0}


@format("sarif", suffix=".sarif", report=ImageReport)
def image_sarif(report: ImageReport, out: IO[str], page: Page) -> None:
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
    places = {name: place for place, name in enumerate(rules)}
    for result in results:
        result["ruleIndex"] = places[result["ruleId"]]
    notes = [{"level": "warning", "message": {"text": plain(gap)}} for gap in report.not_judged]
    notes += [
        {"level": "warning", "message": {"text": f"not read: {plain(one.where, 1000)}: {plain(one.why)}"}}
        for one in report.sbom.unread[:1000]
    ]
    run = {
        "tool": {
            "driver": {"name": "Leadline", "version": page.version or "0", "rules": list(rules.values())}
        },
        "invocations": [
            {"executionSuccessful": True, "endTimeUtc": page.at, "toolExecutionNotifications": notes}
        ],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "imageName": report.sbom.image.name,
            "databaseDate": report.database.date if report.database else "",
        },
    }
    out.write(json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}) + "\n")


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
            "tags": ["security", "image"],
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
