"""Numbers about an image in Prometheus' text form, for a text-file collector or a push gateway.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO

from leadline.outputs.vulnerability_format import RATINGS, ImageReport, Page, format, plain


@format("prometheus", suffix=".prom", report=ImageReport)
def image_prometheus(report: ImageReport, out: IO[str], page: Page) -> None:
    image = _label(report.sbom.image.name)
    for line in _lines(report, f'image="{image}"'):
        out.write(f"{line}\n")


def _lines(report: ImageReport, image: str) -> Iterator[str]:
    if report.database is not None:
        yield from _head("leadline_image_vulnerabilities", "Vulnerabilities of the packages of an image.")
        counts = Counter((one.severity, bool(one.fixed_in)) for one in report.vulnerabilities)
        for rating in RATINGS:
            for is_fixable in (True, False):
                labels = f'{image},severity="{rating}",fixable="{str(is_fixable).lower()}"'
                yield f"leadline_image_vulnerabilities{{{labels}}} {counts[rating, is_fixable]}"
        yield from _head("leadline_image_exploited_vulnerabilities", "Those that attackers are known to use.")
        exploited = sum(1 for one in report.vulnerabilities if one.exploited)
        yield f"leadline_image_exploited_vulnerabilities{{{image}}} {exploited}"
        if (moment := _seconds(report.database.date)) is not None:
            yield from _head(
                "leadline_database_timestamp_seconds", "When the newest feed of the database was made."
            )
            yield f"leadline_database_timestamp_seconds {moment}"
    yield from _head("leadline_image_unmatched_packages", "Packages that no advisory could speak of.")
    yield f"leadline_image_unmatched_packages{{{image}}} {_unmatched(report)}"
    yield from _head("leadline_image_findings", "Other findings about an image.")
    findings = Counter(one.severity for one in report.findings)
    for severity in ("critical", "high", "medium", "low"):
        yield f'leadline_image_findings{{{image},severity="{severity}"}} {findings[severity]}'
    yield from _head("leadline_image_unread", "Parts of an image that could not be read.")
    yield f"leadline_image_unread{{{image}}} {len(report.sbom.unread)}"


def _head(name: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} gauge"


def _unmatched(report: ImageReport) -> int:
    if report.database is None:
        return len(report.sbom.packages)
    return sum(one.packages for one in report.coverage if one.why and one.counts)


def _seconds(date: str) -> int | None:
    try:
        return int(datetime.strptime(date[:10], "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _label(text: str) -> str:
    return plain(text, 1000).replace("\\", "\\\\").replace('"', '\\"')
