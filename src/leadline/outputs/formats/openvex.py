"""What was found as an OpenVEX document: a beginning for those who go through it, or what they decided, to hand on.

Source: https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md
"""

from collections.abc import Iterator, Sequence
from typing import IO, Any

from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.model.vulnerability import Match
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.vulnerability_format import suppressed_reason, without_empty
from leadline.outputs.rows.vulnerability_rows import fix_text, shown_name
from leadline.outputs.text.json_text import content_uuid, json_text
from leadline.outputs.text.plain import plain
from leadline.packages.package_url import package_url


@format("openvex", suffix=".vex.json", report=ImageReport)
def openvex(report: ImageReport, out: IO[str], page: Page) -> None:
    _write((report,), out, page)


@format("openvex", suffix=".vex.json", report=ImagesReport)
def images_openvex(report: ImagesReport, out: IO[str], page: Page) -> None:
    """Each statement names its image."""
    _write([one.report for one in report.images], out, page)


def _write(reports: Sequence[ImageReport], out: IO[str], page: Page) -> None:
    statements = [statement for report in reports for statement in _statements(report)]
    written = {"author": "Leadline", "timestamp": page.at, "version": 1, "statements": statements}
    name = content_uuid(json_text(written).encode("utf-8", "surrogatepass"))
    head = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": f"urn:uuid:{name}"}
    out.write(json_text(head | written) + "\n")


def _statements(report: ImageReport) -> Iterator[dict[str, Any]]:
    yield from (_affected(match, report) for match in report.vulnerabilities)
    for one in report.suppressed:
        match one.by:
            case "waiver":
                # Accepted is not unaffected.
                said = {
                    "status": "affected",
                    "action_statement": plain(f"accepted: {suppressed_reason(one)}", 1000),
                }
            case "distribution":
                # Whom to ask is known, and not the answer.
                said = {"status": "under_investigation", "status_notes": plain(suppressed_reason(one), 1000)}
            case by:
                said = {"status": "fixed" if one.is_fixed else "not_affected"}
                said |= {"justification": "vulnerable_code_not_present"} if by == "linker" else {}
                said["impact_statement"] = plain(f"{by}: {suppressed_reason(one)}", 1000)
        yield _about(one.match, report) | said


def _affected(match: Match, report: ImageReport) -> dict[str, Any]:
    name = plain(shown_name(match.package))
    action = (
        f"upgrade {name} to {plain(match.fixed_in[0])}" if match.fixed_in else f"{name}: {fix_text(match)}"
    )
    return {**_about(match, report), "status": "affected", "action_statement": action}


def _about(match: Match, report: ImageReport) -> dict[str, Any]:
    part = package_url(match.package) or match.package.name
    return {
        "vulnerability": without_empty({"name": match.id, "aliases": list(match.aliases)}),
        "products": [{"@id": report.sbom.image.name, "subcomponents": [{"@id": part}]}],
    }
