"""A scan of several images, for a person at a terminal: the worst image first, with what runs it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO

from leadline.model.images_report import ImagesReport, ScannedImage, UnreadImage
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.images_rows import (
    finding_counts,
    gap_lines,
    gated,
    image_facts,
    known_name,
    painted,
    shared_upgrade_lines,
    target_text,
    user_text,
    vulnerability_totals,
)
from leadline.outputs.rows.vulnerability_rows import vulnerability_lines
from leadline.outputs.text.passed_over import part_lines
from leadline.outputs.text.plain import and_more, columns, count, labelled, plain, wrapped

_IMAGES = 20
"""Shown with their worst rows in a short table."""
_ROWS = 3
_WAYS = 3
_UNREAD = 10
_LONGEST_PATH = 4096


@format("table", suffix=".txt", report=ImagesReport)
def images_table(report: ImagesReport, out: IO[str], page: Page) -> None:
    lines = [*_heading(report, page), *shared_upgrade_lines(report, page.width)]
    with_findings = [one for one in report.images if one.report.vulnerabilities or one.report.findings]
    shown = with_findings if page.verbose else with_findings[:_IMAGES]
    for one in shown:
        lines += _image(one, page)
    if len(shown) < len(with_findings):
        more = count(len(with_findings) - len(shown), "more image")
        lines += [f"and {more} with findings, -v shows them", ""]
    lines += _clean(report, page)
    lines += _not_read(report, page)
    lines += gap_lines(report, page)
    if shown and not page.verbose:
        lines += labelled("more", "-v shows every row, every place and what to do about it", page.width)
    if lines[-1]:
        lines.append("")
    lines += _closing(report, page)
    out.writelines(f"{line.rstrip()}\n" for line in lines)


def _heading(report: ImagesReport, page: Page) -> Iterator[str]:
    text = target_text(report)
    yield from (text,) if columns(text) <= page.width else wrapped(text, page.width)
    yield ""


def _image(one: ScannedImage, page: Page) -> Iterator[str]:
    yield known_name(one)
    yield from (f"  {line}" for line in wrapped(image_facts(one), page.width - 2))
    users = user_text(one.uses, page.width - 9, is_all=page.verbose)
    yield from (f"  {'' if i else 'run by '}{line}" for i, line in enumerate(users))
    if ways := one.exposed_by:
        text = f"reachable from outside through {', '.join(plain(way) for way in ways[:_WAYS])}"
        more = and_more(len(ways) - _WAYS)
        yield from (f"  {line}" for line in wrapped(text + more, page.width - 2))
    names = one.names[1:] if len(one.names) > 1 else ()
    for name in names:
        yield f"  also called {plain(name, _LONGEST_PATH)}"
    for rating, line in vulnerability_lines(one.report, page.width - 2, verbose=page.verbose, most=_ROWS):
        if line:
            yield f"  {painted(line, rating, page)}"
    kinds = Counter((finding.severity, finding.title) for finding in one.report.findings)
    for (severity, title), number in kinds.items():
        yield f"  {painted(f'{severity:<10}  {title}  {number:,}', severity, page)}"
        if page.verbose:
            members = [f for f in one.report.findings if (f.severity, f.title) == (severity, title)]
            for finding in members:
                place = f"{plain(finding.where, _LONGEST_PATH)}  {plain(finding.detail)}"
                yield from (f"    {line}" for line in wrapped(place, page.width - 4))
    yield ""


def _clean(report: ImagesReport, page: Page) -> Iterator[str]:
    clean = [one for one in report.images if not (one.report.vulnerabilities or one.report.findings)]
    if not clean:
        return
    yield count(len(clean), "image") + " without findings"
    for one in clean if page.verbose else clean[:_UNREAD]:
        yield f"  {known_name(one)}"
    if not page.verbose and len(clean) > _UNREAD:
        yield f"  and {len(clean) - _UNREAD:,} more, -v shows them"
    yield ""


def _not_read(report: ImagesReport, page: Page) -> Iterator[str]:
    if report.failed:
        yield f"{count(len(report.failed), 'image')} not read"
        reasons: dict[tuple[str, str], list[UnreadImage]] = {}
        for one in report.failed:
            reasons.setdefault((one.unread.why, one.unread.hint), []).append(one)
        for (why, hint), members in reasons.items():
            text = f"{plain(why)}; {plain(hint)}" if hint else plain(why)
            yield from (f"  {line}" for line in wrapped(text, page.width - 2))
            yield from _unread_images(members, page)
        yield ""
    for label, parts in (("not read", report.unread), ("left out", report.left_out)):
        if not parts:
            continue
        where = f" in {plain(report.target.name)}" if report.target else ""
        yield f"{label}{where}  {len(parts):,}"
        for part in parts if page.verbose else parts[:_UNREAD]:
            yield from part_lines(part, page.width)
        if not page.verbose and len(parts) > _UNREAD:
            yield f"  and {len(parts) - _UNREAD:,} more, -v shows them"
        yield ""


def _unread_images(members: Sequence[UnreadImage], page: Page) -> Iterator[str]:
    for one in members if page.verbose else members[:_UNREAD]:
        name = plain(one.unread.where, _LONGEST_PATH)
        users = user_text(one.uses, page.width - 15, is_all=page.verbose)
        if users and len(users) == 1 and columns(name) + columns(users[0]) + 15 <= page.width:
            yield f"    {name}   run by {users[0]}"
        else:
            yield f"    {name}"
            yield from (f"      {'' if i else 'run by '}{line}" for i, line in enumerate(users))
    if not page.verbose and len(members) > _UNREAD:
        yield f"    and {len(members) - _UNREAD:,} more, -v shows them"


def _closing(report: ImagesReport, page: Page) -> Iterator[str]:
    parts: Sequence[str] = (vulnerability_totals(report), finding_counts(report))
    text = "; ".join(part for part in parts if part)
    if report.failed:
        text += f"; {count(len(report.failed), 'image')} not read"
    if report.unread:
        text += f"; {len(report.unread):,} not read where images are named"
    yield from gated(text, page)
