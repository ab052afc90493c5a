"""Debian's lists of security updates: DSA, and DLA for releases that volunteers look after.

``data/DSA/list`` and ``data/DLA/list`` of https://salsa.debian.org/security-tracker-team/security-tracker::

    [31 Jul 2025] DSA-5970-1 sope - security update
            {CVE-2025-53603}
            [bookworm] - sope 5.8.0-1+deb12u1

An update without a fixed version (a key that changed, an end of support) is not a vulnerability.
"""

import re
from collections.abc import Iterator

from leadline.model.vulnerability import Advisory, Affected, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.releases import DEBIAN
from leadline.vulnerabilities.feed_formats.values import cves, each, line, name, text_of, version

_TITLE = re.compile(r"\[(\d{1,2}) (\w{3}) (\d{4})\] (D[SLT]A-\d+(?:-\d+)?) ?(.*)")
_FIX = re.compile(r"\[(\w+)\] - (\S+) (\S+)(?: .*)?")
_NO_VERSION = re.compile(r"<[a-z-]+>")
_MONTHS = {
    month: number
    for number, month in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}


@feed(
    "debian-updates",
    "Debian security updates (DSA, DLA)",
    recognises=lambda document: _TITLE.match(document.head.decode("utf-8", "replace")) is not None,
    licence="MIT",
)
def debian_list(document: Document) -> Facts:
    yield from each(_updates(text_of(document)), lambda update: _advisory(*update))


def _updates(text: str) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    """Title and lines of every update."""
    title, lines = "", list[str]()
    for one in text.splitlines():
        if one[:1].isspace() or not one:
            lines.append(one.strip())
            continue
        if title or lines:
            yield title[:60], (title, lines)
        title, lines = one, []
    yield title[:60], (title, lines)


def _advisory(title: str, lines: list[str]) -> Facts:
    found = _TITLE.fullmatch(title)
    if found is None:
        raise Unreadable("no title of an update")
    day, month, year, own_id, subject = found.groups()
    if month not in _MONTHS:
        raise Unreadable(f"no month: {month}")
    affected = []
    for one in lines:
        fix = _FIX.fullmatch(one)
        if fix and not _NO_VERSION.fullmatch(fix[3]) and fix[1] in DEBIAN:
            ranges = (VersionRange(fixed=version(fix[3])),)
            affected.append(Affected("Debian", name(fix[2]), DEBIAN[fix[1]], ranges=ranges))
    if not affected:
        return
    covers = cves(one for one in lines if one.startswith("{"))
    published = f"{year}-{_MONTHS[month]:02}-{int(day):02}"
    yield Advisory(own_id, tuple(affected), covers=covers, summary=line(subject), published=published)
