"""A scan of one or several images as one HTML file: what to do first, then each image, the worst first."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO

from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport, ScannedImage
from leadline.model.unread import Unread
from leadline.model.vulnerability import RATINGS, Match
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.images_rows import known_name, target_text
from leadline.outputs.rows.vulnerability_format import page_of, suppressed_name
from leadline.outputs.rows.vulnerability_rows import (
    PackageRow,
    fix_text,
    package_rows,
    severities,
    shown_name,
)
from leadline.outputs.text.html_page import (
    counts,
    document,
    items,
    link,
    severity_filter,
    table,
    text,
)
from leadline.outputs.text.plain import count
from leadline.outputs.text.waiver_text import odd_waivers
from leadline.vulnerabilities.priority import reason
from leadline.vulnerabilities.upgrades import shared_upgrades, upgrades

_STEPS = 10
_IDS = 12
_LONGEST_PART = 30
"""Characters that a column has room for."""
_WHOLE = ".whole{overflow-wrap:normal}"
"""Of one row that are shown before the rest is folded away."""
_USERS = 20


@format("html", suffix=".html", report=ImageReport)
def image_html(report: ImageReport, out: IO[str], page: Page) -> None:
    image = ScannedImage((report.sbom.image.name,), report)
    _write(ImagesReport((image,)), image.names[0], out, page)


@format("html", suffix=".html", report=ImagesReport)
def images_html(report: ImagesReport, out: IO[str], page: Page) -> None:
    _write(report, target_text(report, ": "), out, page)


def _write(report: ImagesReport, title: str, out: IO[str], page: Page) -> None:
    boxes, style = severity_filter(RATINGS)
    parts = [f"<h1>{text(title)}</h1>", *_head(report, page), *_totals(report), *_first(report), boxes]
    if len(report.images) > 1:
        parts += _contents(report)
    for number, one in enumerate(report.images, 1):
        parts += _image(one, number)
    parts += _not_seen(report)
    out.write(document(f"Images: {title}", parts, style + _WHOLE))


def _head(report: ImagesReport, page: Page) -> Iterator[str]:
    found = next((one.report.database for one in report.images if one.report.database), None)
    database = "no vulnerability database was asked"
    if found is not None:
        sample = "a sample of advisories" if found.is_sample else "vulnerability database"
        database = f"{sample} of {found.date[:10] or 'no date'}, {count(len(found.feeds), 'feed')}"
    yield f'<p class="soft">{text(page.at)} by Leadline {text(page.version)}; {text(database)}</p>'
    if page.verdict:
        style = "good" if page.passed else "high"
        yield f'<p class="verdict {style}">{text(page.verdict)}</p>'


def _totals(report: ImagesReport) -> Iterator[str]:
    matches = [match for one in report.images for match in one.report.vulnerabilities]
    numbers = Counter(match.severity for match in matches)
    cells: list[tuple[str, int, str]] = []
    cells += [(rating, numbers[rating], rating) for rating in RATINGS if numbers[rating]]
    exploited = sum(1 for match in matches if match.exploited)
    findings = sum(len(one.report.findings) for one in report.images)
    cells += [("used by attackers", exploited, "critical")] if exploited else []
    cells += [("other findings", findings, "")] if findings else []
    unmatched = sum(1 for one in report.images if one.report.database is None)
    cells += [("images not matched", unmatched, "high")] if unmatched else []
    cells += [("images not read", len(report.failed), "high")] if report.failed else []
    yield counts(cells) if cells else '<p class="good">Nothing was found.</p>'


def _first(report: ImagesReport) -> Iterator[str]:
    reports = [one.report for one in report.images]
    steps = shared_upgrades(reports)
    if not steps:
        return
    yield "<h2>Do first</h2>"
    several = len(reports) > 1
    head = ("Upgrade", "To", "Removes", "Worst", *(("In",) if several else ()))
    cells = []
    for step in steps[:_STEPS]:
        worst = min((match.severity for match in step.removes), key=RATINGS.index)
        used = sum(1 for match in step.removes if match.exploited)
        row = [
            f"<b>{text(step.name)}</b> <span class='soft'>{text(step.type)}</span>",
            text(step.to),
            f"{len(step.removes):,}"
            + (f" <span class='tag critical'>{used} used by attackers</span>" if used else ""),
            text(worst),
        ]
        cells.append((worst, [*row, text(count(step.images, "image"))] if several else row))
    yield table(head, cells)
    if len(steps) > _STEPS:
        yield f'<p class="soft">and {len(steps) - _STEPS:,} more upgrades, in the images below</p>'


def _contents(report: ImagesReport) -> Iterator[str]:
    links = [
        f'<a href="#image-{number}">{text(known_name(one))}</a> <span class="soft">{text(_summary(one))}</span>'
        for number, one in enumerate(report.images, 1)
    ]
    yield f"<nav><h2>Images</h2>{items(links)}</nav>"


def _summary(one: ScannedImage) -> str:
    numbers = Counter(match.severity for match in one.report.vulnerabilities)
    return ", ".join(f"{numbers[rating]:,} {rating}" for rating in RATINGS if numbers[rating])


def _image(one: ScannedImage, number: int) -> Iterator[str]:
    report = one.report
    yield f'<h2 id="image-{number}">{text(known_name(one))}</h2>'
    distro = report.sbom.distro
    facts = [f"{distro.name or distro.id or 'no distribution'}"]
    facts += [f"maintained until {distro.end_of_life}"] if distro.end_of_life else []
    facts += [report.sbom.image.platform] if report.sbom.image.platform else []
    facts.append(count(len(report.sbom.packages), "package"))
    yield f'<p class="soft">{text("; ".join(facts))}</p>'
    if len(one.names) > 1:
        yield f"<p>Also called {', '.join(f'<code>{text(name)}</code>' for name in one.names[1:])}</p>"
    if one.uses:
        yield f"<p>Run by {_users([use.title for use in one.uses])}</p>"
    if one.exposed_by:
        yield f"<p class='high'>Reachable from outside through {_users(one.exposed_by)}</p>"
    yield from _vulnerabilities(report)
    yield from _findings(report)
    yield from _suppressed(report)
    gaps = [text(gap) for gap in report.not_judged]
    gaps += [_unread(part) for part in report.sbom.unread]
    if gaps:
        yield f"<h3>Not judged or not read</h3>{items(gaps)}"


def _vulnerabilities(report: ImageReport) -> Iterator[str]:
    if report.database is None:
        yield "<p class='high'>Its packages were not matched: there was no database.</p>"
        return
    if not report.vulnerabilities:
        yield "<p class='good'>No advisory of the database is about its packages.</p>"
        return
    bases = {
        (step.type, name)
        for step in upgrades(report.vulnerabilities, report.sbom)
        if step.is_in_base
        for name in step.packages
    }
    cells = [
        (
            row.severity,
            [
                text(row.severity),
                f"<b>{', '.join(map(_unbroken, row.packages))}</b><br><span class='soft'>{_unbroken(row.version)}</span>"
                + _where(row, all((row.matches[0].package.type, name) in bases for name in row.packages)),
                _upgrade(row),
                _what(row),
            ],
        )
        for row in package_rows(report.vulnerabilities)
    ]
    yield table(("Severity", "Package", "Upgrade to", "Vulnerabilities"), cells)


def _upgrade(row: PackageRow) -> str:
    """The version that fixes all that have a fix, and how many have none."""
    if not row.fix:
        return text(fix_text(row.matches[0]))
    left = f"<br><span class='soft'>{len(row.unfixed):,} without a fix</span>" if row.unfixed else ""
    return f"<b>{_unbroken(row.fix)}</b>{left}"


def _what(row: PackageRow) -> str:
    if len(row.matches) == 1:
        return _ids(row.matches)
    loaded = "loaded; " if any(match.loaded for match in row.matches) else ""
    return f"<p class='soft'>{loaded}{text(severities(row.matches))}</p>{_ids(row.matches)}"


def _unbroken(name: str) -> str:
    """A name or version that is broken behind slashes alone, where its parts are short enough for a column."""
    if any(len(part) > _LONGEST_PART for part in name.split("/")):
        return text(name)
    return f"<span class='whole'>{text(name).replace('/', '/<wbr>')}</span>"


def _where(row: PackageRow, is_in_base: bool) -> str:
    places = row.matches[0].package.found_in
    place = f"<br><span class='soft'>{text(places[0])}</span>" if places else ""
    return place + ("<br><span class='soft'>in the base image</span>" if is_in_base else "")


def _ids(matches: Sequence[Match]) -> str:
    shown = "".join(_one(match) for match in matches[:_IDS])
    if len(matches) <= _IDS:
        return shown
    rest = "".join(_one(match) for match in matches[_IDS:])
    return f"{shown}<details><summary>{len(matches) - _IDS:,} more</summary>{rest}</details>"


def _one(match: Match) -> str:
    tags = "<span class='tag critical'>used by attackers</span> " if match.exploited else ""
    tags += "<span class='tag critical'>malware</span> " if match.kind == "malware" else ""
    tags += "<span class='tag'>by CPE</span> " if match.how == "CPE" else ""
    summary = f"{text(match.summary, 300)}. " if match.summary else ""
    name = f'<span class="id">{link(page_of(match.id), match.id)}</span>'
    return f"<p>{name} <span class='{match.severity}'>{match.severity}</span> {tags}{summary}<span class='soft'>{text(reason(match))}</span></p>"


def _findings(report: ImageReport) -> Iterator[str]:
    if not report.findings:
        return
    yield "<h3>Other findings</h3>"
    kinds: dict[tuple[str, str, str], list[str]] = {}
    for one in report.findings:
        detail = f": {text(one.detail)}" if one.detail else ""
        kinds.setdefault((one.severity, one.title, one.fix), []).append(
            f"<code>{text(one.where)}</code>{detail}"
        )
    cells = [
        (severity, [text(severity), f"<b>{text(title)}</b>{items(places)}", text(fix)])
        for (severity, title, fix), places in kinds.items()
    ]
    yield table(("Severity", "What", "To do"), cells)


def _suppressed(report: ImageReport) -> Iterator[str]:
    lines = [
        f'<span class="id">{text(suppressed_name(one))}</span> in {text(shown_name(one.match.package))}: '
        f"{text(one.by)}, {text(one.why)}"
        for one in report.suppressed
    ]
    lines += [
        f"{text(one.finding.title)}: <code>{text(one.finding.where)}</code>: {text(one.reason)}"
        for one in report.waived_findings
    ]
    if lines:
        yield f"<details><summary>{len(lines):,} not counted</summary>{items(lines)}</details>"
    if odd := [text(remark) for remark in odd_waivers(report.waivers)]:
        yield f"<h3>Waivers to look at</h3>{items(odd)}"


def _not_seen(report: ImagesReport) -> Iterator[str]:
    if odd := [text(remark) for remark in odd_waivers(report.waivers)]:
        yield f"<h2>Waivers to look at</h2>{items(odd)}"
    if report.failed:
        yield f"<h2>{text(count(len(report.failed), 'image'))} not read</h2>"
        yield items(
            [
                f"<code>{text(one.unread.where)}</code>: {text(one.unread.why)}"
                + (f"<br>run by {_users([use.title for use in one.uses])}" if one.uses else "")
                for one in report.failed
            ]
        )
    for title, parts in (("Not read", report.unread), ("Left out", report.left_out)):
        if parts:
            yield f"<h2>{title} where images are named</h2>{items([_unread(part) for part in parts])}"


def _unread(part: Unread) -> str:
    hint = f"; {text(part.hint)}" if part.hint else ""
    return f"<code>{text(part.where)}</code>: {text(part.why)}{hint}"


def _users(titles: Sequence[str]) -> str:
    names = list(dict.fromkeys(titles))
    more = f" and {len(names) - _USERS:,} more" if len(names) > _USERS else ""
    return ", ".join(f"<code>{text(name)}</code>" for name in names[:_USERS]) + more
