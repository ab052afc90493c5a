"""JUnit XML about an image: one test for each vulnerability of each package and each other finding, all of them failed."""

from typing import IO
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.model.vulnerability import Match
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.vulnerability_format import not_seen, place_of, suppressed_name
from leadline.outputs.rows.vulnerability_rows import fix_text, shown_name
from leadline.outputs.text.plain import plain
from leadline.vulnerabilities.priority import reason


@format("junit", suffix=".xml", report=ImageReport)
def image_junit(report: ImageReport, out: IO[str], page: Page) -> None:
    _write(plain(report.sbom.image.name, 1000), [_suite(report, page)], out)


@format("junit", suffix=".xml", report=ImagesReport)
def images_junit(report: ImagesReport, out: IO[str], page: Page) -> None:
    """One suite for each image, and one with an error for whatever could not be read."""
    suites = [_suite(one.report, page) for one in report.images]
    unseen = not_seen(report)
    if unseen:
        lines = [
            f'    <testcase classname="not read" name={_attribute(one.where)}>'
            f"<error message={_attribute(one.why)}/></testcase>\n"
            for one in unseen
        ]
        suites.append(_Suite("not read", 0, 0, len(lines), "".join(lines), page.at))
    _write(plain(report.target.name, 1000) if report.target else "images", suites, out)


class _Suite(Struct, frozen=True):
    name: str
    failures: int
    skipped: int
    errors: int
    cases: str
    at: str


def _write(name: str, suites: list[_Suite], out: IO[str]) -> None:
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    counts = [sum(getattr(one, key) for one in suites) for key in ("failures", "skipped", "errors")]
    out.write(f"<testsuites name={quoteattr(name)} {_counts(*counts)}>\n")
    for one in suites:
        counted = f'{_counts(one.failures, one.skipped, one.errors)} skipped="{one.skipped}"'
        out.write(
            f'  <testsuite name={quoteattr(one.name)} {counted} timestamp="{one.at.removesuffix("Z")}">\n'
        )
        out.write(one.cases)
        out.write("  </testsuite>\n")
    out.write("</testsuites>\n")


def _counts(failures: int, skipped: int, errors: int) -> str:
    return f'tests="{failures + skipped + errors}" failures="{failures}" errors="{errors}"'


def _suite(report: ImageReport, page: Page) -> _Suite:
    cases = [_match(match, report) for match in report.vulnerabilities]
    for finding in report.findings:
        title = f"{finding.title}: {finding.where}"
        cases.append(
            _failed("findings", title, finding.severity, finding.detail or finding.title, finding.fix)
        )
    cases += [
        f'    <testcase classname="not judged" name={_attribute(gap)}><skipped/></testcase>\n'
        for gap in report.not_judged
    ]
    accepted = [
        (f"{one.match.id} in {shown_name(one.match.package)}", f"{suppressed_name(one)}: {one.why}")
        for one in report.suppressed
        if one.by in ("waiver", "VEX")
    ]
    accepted += [(f"{one.finding.title}: {one.finding.where}", one.reason) for one in report.waived_findings]
    cases += [
        f'    <testcase classname="accepted" name={_attribute(name)}>'
        f"<skipped message={_attribute(why)}/></testcase>\n"
        for name, why in accepted
    ]
    failures = len(report.vulnerabilities) + len(report.findings)
    name = plain(report.sbom.image.name, 1000)
    return _Suite(name, failures, len(report.not_judged) + len(accepted), 0, "".join(cases), page.at)


def _match(match: Match, report: ImageReport) -> str:
    package = f"{shown_name(match.package)} {match.package.version}"
    text = f"{match.summary or match.id}\nin {place_of(match, report)}\n{reason(match)}"
    return _failed(
        package, f"{match.id} in {package}", match.severity, f"{match.severity}: {fix_text(match)}", text
    )


def _failed(group: str, name: str, severity: str, message: str, text: str) -> str:
    body = "\n".join(plain(line, 1000) for line in text.splitlines())
    return (
        f"    <testcase classname={_attribute(group)} name={_attribute(name)}>"
        f'<failure type="{severity}" message={_attribute(message)}>{escape(body)}</failure></testcase>\n'
    )


def _attribute(text: str) -> str:
    return quoteattr(plain(text, 1000))
