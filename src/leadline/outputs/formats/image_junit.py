"""JUnit XML about an image: one test for each vulnerability of each package and each other finding, all of them failed."""

from typing import IO
from xml.sax.saxutils import escape, quoteattr

from leadline.outputs.vulnerability_format import (
    ImageReport,
    Match,
    Page,
    fix_text,
    format,
    place_of,
    plain,
    reason,
    shown_name,
)


@format("junit", suffix=".xml", report=ImageReport)
def image_junit(report: ImageReport, out: IO[str], page: Page) -> None:
    name = plain(report.sbom.image.name, 1000)
    number = len(report.vulnerabilities) + len(report.findings)
    skipped = len(report.not_judged)
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    counts = f'tests="{number + skipped}" failures="{number}" errors="0"'
    out.write(f"<testsuites name={quoteattr(name)} {counts}>\n")
    out.write(
        f'  <testsuite name={quoteattr(name)} {counts} skipped="{skipped}" timestamp="{page.at.removesuffix("Z")}">\n'
    )
    for match in report.vulnerabilities:
        out.write(_match(match, report))
    for finding in report.findings:
        title = f"{finding.title}: {finding.where}"
        out.write(_failed("findings", title, finding.severity, finding.detail or finding.title, finding.fix))
    for gap in report.not_judged:
        out.write(f'    <testcase classname="not judged" name={_attribute(gap)}><skipped/></testcase>\n')
    out.write("  </testsuite>\n</testsuites>\n")


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
