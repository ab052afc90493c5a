"""GitLab's report of container scanning, version 15.

Source: https://gitlab.com/gitlab-org/security-products/security-report-schemas (container-scanning-report-format.json)
"""

from collections.abc import Iterator, Sequence
from typing import IO, Any

from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.model.vulnerability import Match
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.vulnerability_format import not_seen, page_of, suppressed_name, without_empty
from leadline.outputs.rows.vulnerability_rows import fix_text, shown_name
from leadline.outputs.text.json_text import content_uuid, json_text
from leadline.outputs.text.plain import plain
from leadline.outputs.text.waiver_text import odd_waivers

VERSION = "15.0.7"
_SCANNER = {"id": "leadline", "name": "Leadline", "vendor": {"name": "Leadline"}}
_SEVERITIES = {"negligible": "Info", "unknown": "Unknown"}
_MOMENT = 19
"""Characters of a moment without its zone: the schema has none."""


@format("gitlab", suffix=".gl.json", report=ImageReport)
def gitlab(report: ImageReport, out: IO[str], page: Page) -> None:
    _write((report,), [plain(gap) for gap in (*report.not_judged, *_accepted(report))], out, page)


@format("gitlab", suffix=".gl.json", report=ImagesReport)
def images_gitlab(report: ImagesReport, out: IO[str], page: Page) -> None:
    """Each vulnerability names its image, so that one document holds all of them."""
    notes = [
        f"{plain(one.names[0], 1000)}: {plain(gap)}"
        for one in report.images
        for gap in (*one.report.not_judged, *_accepted(one.report))
    ]
    notes += [f"not read: {plain(one.where, 1000)}: {plain(one.why)}" for one in not_seen(report)]
    _write([one.report for one in report.images], notes, out, page)


def _accepted(report: ImageReport) -> Iterator[str]:
    """The schema has no place for what is accepted but this."""
    for one in report.suppressed:
        if one.by in ("waiver", "VEX"):
            yield f"{suppressed_name(one)} in {shown_name(one.match.package)} is accepted: {one.why}"
    for waived in report.waived_findings:
        yield f"{waived.finding.title} in {waived.finding.where} is accepted: {waived.reason}"
    yield from odd_waivers(report.waivers)


def _write(reports: Sequence[ImageReport], notes: Sequence[str], out: IO[str], page: Page) -> None:
    scanner = {**_SCANNER, "version": page.version or "0"}
    document = {
        "version": VERSION,
        "scan": without_empty(
            {
                "analyzer": scanner,
                "scanner": scanner,
                "type": "container_scanning",
                "start_time": page.at[:_MOMENT],
                "end_time": page.at[:_MOMENT],
                "status": "success",
                "messages": [{"level": "warn", "value": note} for note in notes],
            }
        ),
        "vulnerabilities": [
            _vulnerability(match, report) for report in reports for match in report.vulnerabilities
        ],
        "remediations": [],
    }
    out.write(json_text(document) + "\n")


def _vulnerability(match: Match, report: ImageReport) -> dict[str, Any]:
    package, distro = match.package, report.sbom.distro
    place = package.found_in[0] if package.found_in else ""
    key = (
        f"{match.id} {package.type} {shown_name(package)} {package.version} {place} {report.sbom.image.name}"
    )
    names = [match.id, *match.aliases]
    links = [address for address in (page_of(match.id), *match.references) if address]
    return without_empty(
        {
            "id": content_uuid(key.encode("utf-8", "surrogatepass")),
            "name": f"{match.id} in {plain(shown_name(package))}"[:255],
            "description": plain(match.summary, 1000) or f"{match.id} in {plain(shown_name(package))}",
            "severity": _SEVERITIES.get(match.severity, match.severity.capitalize()),
            "solution": f"Upgrade {plain(shown_name(package))} to {plain(fix_text(match))}"
            if match.fixed_in
            else "",
            "location": {
                "dependency": {
                    "package": {"name": plain(shown_name(package))},
                    "version": plain(package.version),
                },
                "operating_system": plain(f"{distro.id} {distro.version}".strip()) or "unknown",
                "image": plain(report.sbom.image.name, 1000),
            },
            "identifiers": [_identifier(name) for name in names],
            "links": [{"url": address} for address in dict.fromkeys(links)],
        }
    )


def _identifier(name: str) -> dict[str, Any]:
    kind = name.partition("-")[0].lower()
    return without_empty({"type": kind or "other", "name": name, "value": name, "url": page_of(name)})
