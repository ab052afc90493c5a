"""Numbers about an image in Prometheus' text form, for a text-file collector or a push gateway.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO

from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.model.vulnerability import RATINGS
from leadline.outputs.format_registry import Page, format
from leadline.outputs.text.plain import plain

Sample = tuple[str, str, str, int]
"""Name, help, labels and value."""


@format("prometheus", suffix=".prom", report=ImageReport)
def image_prometheus(report: ImageReport, out: IO[str], page: Page) -> None:
    _write(_samples(report, f'image="{_label(report.sbom.image.name)}"'), out)


@format("prometheus", suffix=".prom", report=ImagesReport)
def images_prometheus(report: ImagesReport, out: IO[str], page: Page) -> None:
    """Each number with the image and its digest as labels, and how many images could not be read."""
    samples: list[Sample] = []
    for one in report.images:
        labels = f'image="{_label(one.names[0])}",digest="{_label(one.report.sbom.image.digest)}"'
        samples += _samples(one.report, labels)
        uses = len({use.resource for use in one.uses})
        if report.target is not None:
            samples.append(("leadline_image_objects", "Objects that run an image.", labels, uses))
    failed = "Images that could not be read at all."
    samples.append(("leadline_images_failed", failed, "", len(report.failed)))
    samples.append(
        ("leadline_images_target_unread", "Parts of the target that were not read.", "", len(report.unread))
    )
    _write(samples, out)


def _write(samples: Iterable[Sample], out: IO[str]) -> None:
    """Those of a name together, as the form asks for."""
    named: dict[str, list[Sample]] = {}
    for sample in samples:
        named.setdefault(sample[0], []).append(sample)
    for name, members in named.items():
        out.write(f"# HELP {name} {members[0][1]}\n# TYPE {name} gauge\n")
        for labels, value in {sample[2]: sample[3] for sample in members}.items():
            out.write(f"{name}{{{labels}}} {value}\n" if labels else f"{name} {value}\n")


def _samples(report: ImageReport, image: str) -> Iterator[Sample]:
    if report.database is not None:
        counts = Counter((one.severity, bool(one.fixed_in)) for one in report.vulnerabilities)
        for rating in RATINGS:
            for is_fixable in (True, False):
                labels = f'{image},severity="{rating}",fixable="{str(is_fixable).lower()}"'
                yield (
                    "leadline_image_vulnerabilities",
                    "Vulnerabilities of the packages of an image.",
                    labels,
                    counts[rating, is_fixable],
                )
        exploited = sum(1 for one in report.vulnerabilities if one.exploited)
        yield (
            "leadline_image_exploited_vulnerabilities",
            "Those that attackers are known to use.",
            image,
            exploited,
        )
        if (moment := _seconds(report.database.date)) is not None:
            text = "When the newest feed of the database was made."
            yield "leadline_database_timestamp_seconds", text, "", moment
    text = "Packages that no advisory could speak of."
    yield "leadline_image_unmatched_packages", text, image, _unmatched(report)
    findings = Counter(one.severity for one in report.findings)
    for severity in ("critical", "high", "medium", "low"):
        labels = f'{image},severity="{severity}"'
        yield "leadline_image_findings", "Other findings about an image.", labels, findings[severity]
    accepted = len(report.waived_findings) + sum(one.by == "waiver" for one in report.suppressed)
    yield "leadline_image_accepted_findings", "Findings that a waiver covers.", image, accepted
    text = "Parts of an image that could not be read."
    yield "leadline_image_unread", text, image, len(report.sbom.unread)


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
