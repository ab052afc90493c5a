"""Annotations for GitHub Actions about images: a job prints them, and they are in its summary."""

from collections.abc import Iterable, Iterator
from typing import IO

from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.images_rows import image_totals, known_name, vulnerability_totals
from leadline.outputs.rows.vulnerability_rows import rows
from leadline.outputs.text.plain import count, plain
from leadline.outputs.text.workflow_commands import LEVELS, MOST, workflow_command


@format("github", suffix=".github.txt", report=ImageReport)
def image_github(report: ImageReport, out: IO[str], page: Page) -> None:
    lines = [*_findings(report, ""), *_unseen(report, "")]
    _write(lines, out)
    out.write(f"{image_totals(report)}{_accepted((report,))}{_verdict(page)}\n")


@format("github", suffix=".github.txt", report=ImagesReport)
def images_github(report: ImagesReport, out: IO[str], page: Page) -> None:
    lines = [line for one in report.images for line in _findings(one.report, f"{known_name(one)}: ")]
    lines += [
        workflow_command("warning", {"title": "not read"}, f"{one.where}: {one.why}")
        for one in (*(failed.unread for failed in report.failed), *report.unread)
    ]
    lines += [line for one in report.images for line in _unseen(one.report, f"{known_name(one)}: ")]
    _write(lines, out)
    accepted = _accepted([one.report for one in report.images])
    out.write(f"{vulnerability_totals(report)}{accepted}{_verdict(page)}\n")


def _write(lines: list[str], out: IO[str]) -> None:
    out.writelines(lines[:MOST])
    if len(lines) > MOST:
        more = f"{count(len(lines) - MOST, 'more line')}; --format markdown shows all"
        out.write(workflow_command("notice", {"title": "Leadline"}, more))


def _accepted(reports: Iterable[ImageReport]) -> str:
    number = sum(
        len(one.waived_findings) + sum(part.by == "waiver" for part in one.suppressed) for one in reports
    )
    return f"; {count(number, 'finding')} accepted" if number else ""


def _verdict(page: Page) -> str:
    return f"; {plain(page.verdict)}" if page.verdict else ""


def _findings(report: ImageReport, image: str) -> Iterator[str]:
    """One for each package and what fixes it, then the other findings."""
    for row in rows(report.vulnerabilities):
        ids = ", ".join(match.id for match in row.matches[:5])
        more = f" and {len(row.matches) - 5:,} more" if len(row.matches) > 5 else ""
        to = f"upgrade to {row.fix}" if row.matches[0].fixed_in else row.fix
        title = f"{row.severity}: {row.package} {row.version}"
        yield workflow_command(LEVELS[row.severity], {"title": title}, f"{image}{ids}{more}: {to}")
    for one in report.findings:
        detail = f", {one.detail}" if one.detail else ""
        title = f"{one.severity}: {one.title}"
        yield workflow_command(
            LEVELS[one.severity], {"title": title}, f"{image}{one.where}{detail}: {one.fix}"
        )


def _unseen(report: ImageReport, image: str) -> Iterator[str]:
    for one in report.sbom.unread:
        yield workflow_command("warning", {"title": "not read"}, f"{image}{one.where}: {one.why}")
    for gap in report.not_judged:
        yield workflow_command("warning", {"title": "not done"}, f"{image}{gap}")
