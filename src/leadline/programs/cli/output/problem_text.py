"""The page of a vulnerability for ``leadline explain``."""

import os
from collections.abc import Iterator
from pathlib import Path

from leadline.errors import DatabaseError
from leadline.outputs.text.plain import count, plain, wrapped
from leadline.programs.cli.scanning.requests import cache_folder, database_file
from leadline.scans.images.problem_page import ProblemPage, Range, problem_page

_INDENT = 12
_MOST_RANGES = 40
_MOST_LINKS = 10


def problem_lines(name: str, named_database: str, width: int) -> Iterator[str]:
    """Raises ``DatabaseError`` where there is none, ``UsageError`` where it does not know the name."""
    path = named_database or database_file(os.environ)
    if not path:
        raise DatabaseError("vulnerability database not found", hint="get one with 'leadline db fetch'")
    page = problem_page(Path(path), name, cache_folder(os.environ))
    yield f"{plain(page.id)}   {page.severity}"
    yield ""
    for label, text in _facts(page):
        for place, line in enumerate(wrapped(plain(text, 4096), width - _INDENT)):
            yield f"{'' if place else label:<{_INDENT}}{line}"
    yield from _ranges(page.ranges, width)
    yield from (
        f"{'see' if not place else '':<{_INDENT}}{plain(link, 4096)}"
        for place, link in enumerate(page.references[:_MOST_LINKS])
    )
    if more := page.references[_MOST_LINKS:]:
        yield f"{'':<{_INDENT}}and {count(len(more), 'more page')}"


def _facts(page: ProblemPage) -> Iterator[tuple[str, str]]:
    if page.aliases:
        yield "also", ", ".join(page.aliases)
    if page.summary:
        yield "what", page.summary
    if page.published:
        yield "published", page.published[:10]
    if page.exploited:
        by = ", for ransomware too" if page.exploited.by_ransomware else ""
        yield "exploited", f"listed {page.exploited.since or 'at no known time'}{by}"
    if page.chance:
        text = f"{page.chance.chance:.1%} within 30 days, more than {page.chance.percentile:.1%} of all have"
        yield "epss", text
    for one in page.cvss:
        yield (
            "cvss",
            f"{f'{one.score:g} ' if one.score else ''}{one.vector}{f' by {one.by}' if one.by else ''}",
        )
    if page.weaknesses:
        yield "weakness", ", ".join(page.weaknesses)
    yield "source", ", ".join(page.records)
    if page.withdrawn:
        yield "withdrawn", ", ".join(page.withdrawn)


def _ranges(ranges: tuple[Range, ...], width: int) -> Iterator[str]:
    """Of each ecosystem as many as leave room for the others, those of languages before those of distributions."""
    by_ecosystem: dict[str, list[Range]] = {}
    for one in sorted(ranges, key=lambda one: ":" in one.ecosystem):
        by_ecosystem.setdefault(one.ecosystem, []).append(one)
    label = "affects"
    for place, (ecosystem, members) in enumerate(by_ecosystem.items()):
        others = len(by_ecosystem) - place - 1
        if place >= _MOST_RANGES:
            yield f"{'':<{_INDENT}}and {count(others + 1, 'more ecosystem')}"
            return
        most = max(4, (_MOST_RANGES - place) // len(by_ecosystem))
        lines = [line for one in members[:most] for line in wrapped(_range_text(one), width - _INDENT)]
        if len(members) > most:
            lines.append(f"and {count(len(members) - most, 'more range')} of {plain(ecosystem)}")
        for line in lines:
            yield f"{label:<{_INDENT}}{line}"
            label = ""


def _range_text(one: Range) -> str:
    state = "" if one.state == "affected" else f" ({one.state})"
    where = f", in {plain(', '.join(one.imports))}" if one.imports else ""
    return f"{plain(one.ecosystem)} {plain(one.package)} {plain(one.versions)}{where}{state}"
