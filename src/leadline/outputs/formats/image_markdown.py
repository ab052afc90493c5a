"""Scans of images as Markdown, for a comment on a pull request or the summary of a job: the verdict, what to upgrade, what was not seen."""

from collections.abc import Iterator
from typing import IO

from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.images_rows import image_totals, known_name, target_text, vulnerability_totals
from leadline.outputs.rows.vulnerability_format import suppressed_name
from leadline.outputs.rows.vulnerability_rows import PackageRow, fix_text, severities, shown_packages
from leadline.outputs.text.markdown_text import code, details, words, write_blocks
from leadline.outputs.text.plain import and_more, count
from leadline.vulnerabilities.upgrades import upgrades

_ROWS = 50
_ROWS_OF_SEVERAL = 10
_PARTS = 20
_STEPS = 3
_IDS = 5
_NAMES = 8
_HEAD = "| Severity | Package | Installed | Fixed in | Vulnerabilities |\n|---|---|---|---|---|\n"


@format("markdown", suffix=".md", report=ImageReport)
def image_markdown(report: ImageReport, out: IO[str], page: Page) -> None:
    name = report.sbom.image.name
    blocks = [_heading(code(name), image_totals(report), page), *_image(report, _ROWS)]
    write_blocks([*blocks, *_unseen(report)], out)


@format("markdown", suffix=".md", report=ImagesReport)
def images_markdown(report: ImagesReport, out: IO[str], page: Page) -> None:
    """The worst image first, each with what runs it."""
    title = code(target_text(report, joint=": "))
    blocks = [_heading(title, vulnerability_totals(report), page)]
    for one in report.images:
        taken = list(_taken(one.report))
        if one.report.vulnerabilities or one.report.findings or any(taken):
            users = ", ".join(code(use.title) for use in one.uses[:_IDS])
            rest = f" and {len(one.uses) - _IDS:,} more" if len(one.uses) > _IDS else ""
            blocks.append(f"### {code(known_name(one))}\n\n{words(image_totals(one.report))}")
            blocks.append(f"; run by {users}{rest}\n\n" if users else "\n\n")
            blocks += [*_image(one.report, _ROWS_OF_SEVERAL), *taken]
    failed = [f"{code(one.unread.where)}: {words(one.unread.why)}" for one in report.failed]
    blocks.append(details("Images not read", failed, _PARTS))
    unread = [f"{code(one.where)}: {words(one.why)}" for one in report.unread]
    blocks.append(details("Not read", unread, _PARTS))
    gaps = dict.fromkeys(gap for one in report.images for gap in one.report.not_judged)
    blocks.append(details("Not done", [words(gap) for gap in gaps], _PARTS))
    write_blocks(blocks, out)


def _heading(title: str, totals: str, page: Page) -> str:
    mark = "" if not page.verdict else "✅ " if page.passed else "❌ "
    verdict = f"\n\n{words(page.verdict)}" if page.verdict else ""
    return f"## {mark}Leadline: {title}\n\n{words(totals)}{verdict}\n\n"


def _image(report: ImageReport, most: int) -> Iterator[str]:
    """Pieces that may end the text between them."""
    steps = upgrades(report.vulnerabilities, report.sbom)[:_STEPS]
    if steps:
        yield "First:\n\n"
        for step in steps:
            removed = f"removes {len(step.removes):,} ({severities(step.removes)})"
            where = ", in the base image" if step.is_in_base else ""
            yield f"- {code(step.name)} to {code(step.to)} {removed}{where}\n"
        yield "\n"
    shown, rest = shown_packages(report.vulnerabilities, most)
    if shown:
        yield _HEAD
        yield from map(_row, shown)
        yield f"\nand {rest}\n\n" if rest else "\n"
    found = [
        f"{one.severity}: {words(one.title)}, {code(one.where)}"
        + (f", {words(one.detail)}" if one.detail else "")
        for one in report.findings
    ]
    yield details("Other findings", found, _PARTS)


def _row(row: PackageRow) -> str:
    ids = ", ".join(code(match.id) for match in row.matches[:_IDS])
    more = f" and {len(row.matches) - _IDS:,} more" if len(row.matches) > _IDS else ""
    fix = code(row.fix) if row.fix else fix_text(row.matches[0])
    names = ", ".join(code(name) for name in row.packages[:_NAMES])
    names += and_more(len(row.packages) - _NAMES)
    head = f"| {row.severity} | {names} | {code(row.version)} | {fix} |"
    facts = [severities(row.matches)] if len(row.matches) > 1 else []
    if row.fix and row.unfixed:
        facts.append(f"{len(row.unfixed):,} without a fix")
    counts = f"{'; '.join(facts)}: " if facts else ""
    return f"{head} {counts}{ids}{more} |\n"


def _unseen(report: ImageReport) -> Iterator[str]:
    unread = [f"{code(one.where)}: {words(one.why)}" for one in report.sbom.unread]
    yield details("Not read", unread, _PARTS)
    yield details("Not done", [words(gap) for gap in report.not_judged], _PARTS)
    yield from _taken(report)
    if report.database is not None:
        source = f" ({words(report.database.source)})" if report.database.source else ""
        feeds = count(len(report.database.feeds), "feed")
        yield f"Database of {report.database.date[:10] or 'no date'}, {feeds}{source}.\n"


def _taken(report: ImageReport) -> Iterator[str]:
    """What is not counted."""
    taken = [
        f"{code(suppressed_name(one))} {code(one.match.package.name)}: {one.by}, {words(one.why)}"
        for one in report.suppressed
    ]
    yield details("Suppressed", taken, _PARTS)
    accepted = [
        f"{words(one.finding.title)} {code(one.finding.where)}: {words(one.reason)}"
        for one in report.waived_findings
    ]
    yield details("Accepted", accepted, _PARTS)
