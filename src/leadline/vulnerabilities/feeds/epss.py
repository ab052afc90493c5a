"""EPSS: how likely each CVE is used within 30 days (https://www.first.org/epss/data_stats), a table for every day.

A comment with the date, a line of titles, then ``CVE-1999-0001,0.00383,0.73075``.
"""

import re
from collections.abc import Iterator

from leadline.model.vulnerability import ExploitChance, FeedDate
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.values import date, each, identifier, text_of

_TITLES = "cve,epss,percentile"
_DATE = re.compile(r"score_date:([0-9T:+-]+)")


@feed(
    "epss",
    "Exploit Prediction Scoring System",
    recognises=lambda document: (
        document.head.startswith(b"#model_version:") or document.head.startswith(_TITLES.encode())
    ),
    licence="free with attribution (FIRST)",
)
def epss(document: Document) -> Facts:
    lines = text_of(document).splitlines()
    head, rest = (lines[0], lines[1:]) if lines[0].startswith("#") else ("", lines)
    if not rest or rest[0].strip().lower() != _TITLES:
        raise Unreadable(f"a table without the titles {_TITLES}")
    if found := _DATE.search(head):
        yield FeedDate(date(found[1]))
    yield from each(_rows(rest[1:]), _chance)


def _rows(lines: list[str]) -> Iterator[tuple[str, str]]:
    yield from ((f"row {number}", one) for number, one in enumerate(lines, 1) if one.strip())


def _chance(row: str) -> Facts:
    fields = row.split(",")
    if len(fields) != 3:
        raise Unreadable(f"{len(fields)} fields, not 3")
    yield ExploitChance(identifier(fields[0]), _share(fields[1]), _share(fields[2]))


def _share(written: str) -> float:
    try:
        share = float(written)
    except ValueError as error:
        raise Unreadable(f"no number: {written[:40]!r}") from error
    if not 0 <= share <= 1:
        raise Unreadable(f"not between 0 and 1: {written[:40]!r}")
    return share
