"""All that a format for people imports to show several images: their names, what runs them, what they add up to."""

from collections import Counter
from collections.abc import Iterator, Sequence

from leadline.model.control import SEVERITIES
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ImageUse, ScannedImage
from leadline.outputs.format_registry import Page
from leadline.outputs.rows.vulnerability_rows import (
    severities,
    step_lines,
    vulnerability_count,
)
from leadline.outputs.text.plain import as_many, count, labelled, plain, wrapped
from leadline.outputs.text.waiver_text import waiver_lines
from leadline.vulnerabilities.upgrades import shared_upgrades

_STYLES = {"critical": "1;31", "high": "31", "medium": "33", "low": "36", "good": "32", "bad": "1;31"}
_STEPS = 3
_LONGEST_NAME = 4096
_SHORT_DIGEST = 12


def target_text(report: ImagesReport, joint: str = "   ") -> str:
    """``cluster prod   12 images in 40 objects, 2 of them not read``; ``joint`` is behind the name of the target."""
    number = len(report.images) + len(report.failed)
    unread = f", {len(report.failed):,} of them not read" if report.failed else ""
    if report.target is None:
        return f"{count(number, 'image')}{unread}"
    name = plain(report.target.name, _LONGEST_NAME)
    name = f"cluster {name}" if report.target.kind == "cluster" else name
    return f"{name}{joint}{count(number, 'image')} in {count(report.objects, 'object')}{unread}"


def known_name(one: ScannedImage) -> str:
    """As it is written, with the beginning of its digest where that does not say it."""
    name = plain(one.names[0], _LONGEST_NAME)
    digest = one.report.sbom.image.digest.partition(":")[2]
    return f"{name}@sha256:{digest[:_SHORT_DIGEST]}…" if digest and "@" not in name else name


def image_facts(one: ScannedImage) -> str:
    """Its distribution, and how many of what was found."""
    distro = one.report.sbom.distro
    facts = [plain(f"{distro.id} {distro.version}".strip()) or "no distribution"]
    facts.append(_counted(vulnerability_count(one.report), severities(one.report.vulnerabilities)))
    findings: Counter[str] = Counter(finding.severity for finding in one.report.findings)
    if findings:
        facts.append(_counted(count(sum(findings.values()), "other finding"), _by_severity(findings)))
    if one.report.sbom.unread:
        facts.append(f"{len(one.report.sbom.unread):,} not read")
    return "; ".join(facts)


def user_text(uses: Sequence[ImageUse], width: int, *, is_all: bool) -> list[str]:
    """The objects that run an image: as many as one line holds and how many more, or all of them on several lines."""
    titles = list(dict.fromkeys(plain(use.title) for use in uses))
    if is_all or not titles:
        return wrapped(", ".join(titles), width)
    if text := as_many(titles, width):
        return [text]
    return [titles[0], *([f"and {len(titles) - 1:,} more"] if len(titles) > 1 else [])]


def shared_upgrade_lines(report: ImagesReport, width: int) -> Iterator[str]:
    """The upgrades that remove most over all images."""
    steps = shared_upgrades([one.report for one in report.images])
    total = sum(len(one.report.vulnerabilities) for one in report.images)
    if not steps or len(report.images) < 2:
        return
    yield from step_lines(
        [
            (
                f"{plain(step.name, 60)} -> {plain(step.to, 30)}",
                step.removes,
                f" in {count(step.images, 'image')}",
            )
            for step in steps[:_STEPS]
        ],
        total,
        width,
    )
    yield ""


def gap_lines(report: ImagesReport, page: Page) -> Iterator[str]:
    """What was asked, what was taken away, and what was not judged, each reason once with its number of images."""
    found = next((one.report.database for one in report.images if one.report.database is not None), None)
    if found is not None:
        feeds = count(len(found.feeds), "feed")
        source = f"; {plain(found.source)}" if found.source else ""
        yield from labelled("database", f"{feeds}, of {found.date[:10] or 'no date'}{source}", page.width)
    number = sum(len(one.report.suppressed) for one in report.images)
    if number:
        yield from labelled("suppressed", f"{number:,}, json lists them", page.width)
    accepted = sum(
        len(one.report.waived_findings) + sum(part.by == "waiver" for part in one.report.suppressed)
        for one in report.images
    )
    yield from waiver_lines(accepted, report.waivers, page.width, verbose=page.verbose, indent=12)
    gaps = Counter(gap for one in report.images for gap in one.report.not_judged)
    shown = gaps.most_common() if page.verbose else gaps.most_common(_STEPS)
    for i, (gap, times) in enumerate(shown):
        yield from labelled("" if i else "not done", f"{plain(gap)} ({count(times, 'image')})", page.width)
    if len(shown) < len(gaps):
        yield from labelled(
            "", f"and {count(len(gaps) - len(shown), 'reason')} more, -v shows them", page.width
        )


def vulnerability_totals(report: ImagesReport) -> str:
    """``77 vulnerabilities in 12 images: 3 critical, 74 high``."""
    reports = [one.report for one in report.images]
    images = count(len(reports), "image")
    if not reports:
        return "no image read"
    if all(one.database is None for one in reports):
        return f"vulnerabilities not matched in {images}"
    matches = [match for one in reports for match in one.vulnerabilities]
    text = f"{count(len(matches), 'vulnerability', 'vulnerabilities')} in {images}"
    gaps = sum(one.has_gaps for one in reports)
    beside = f"; not everything was matched in {count(gaps, 'image')}" if gaps else ""
    return _counted(text, severities(matches)) + beside


def image_totals(report: ImageReport) -> str:
    """``12 vulnerabilities: 3 critical, 9 high; 2 other findings: 2 low; not everything was matched; 1 not read``."""
    parts = [_counted(vulnerability_count(report), severities(report.vulnerabilities))]
    findings: Counter[str] = Counter(finding.severity for finding in report.findings)
    if findings:
        parts.append(_counted(count(sum(findings.values()), "other finding"), _by_severity(findings)))
    if report.has_gaps:
        parts.append("not everything was matched")
    if report.sbom.unread:
        parts.append(f"{len(report.sbom.unread):,} not read")
    return "; ".join(parts)


def finding_counts(report: ImagesReport) -> str:
    """``3 other findings: 1 high, 2 low``."""
    counts: Counter[str] = Counter(
        finding.severity for one in report.images for finding in one.report.findings
    )
    return _counted(count(sum(counts.values()), "other finding"), _by_severity(counts)) if counts else ""


def painted(line: str, style: str | None, page: Page, *, whole: bool = False) -> str:
    """``line`` with its first word in the colour of the severity, or all of it."""
    if style is None or not page.colour or style not in _STYLES:
        return line
    end = len(line) if whole else len(style)
    return f"\x1b[{_STYLES[style]}m{line[:end]}\x1b[0m{line[end:]}"


def gated(text: str, page: Page) -> Iterator[str]:
    """What was found; with a gate, its verdict after that, as it decides the exit code."""
    yield from wrapped(text, page.width)
    style = "good" if page.passed else "bad"
    yield from (painted(line, style, page, whole=True) for line in wrapped(page.verdict, page.width))


def _by_severity(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[name]:,} {name}" for name in SEVERITIES if counts[name])


def _counted(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text
