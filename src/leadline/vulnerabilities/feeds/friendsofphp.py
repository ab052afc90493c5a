"""FriendsOfPHP's security advisories (https://github.com/FriendsOfPHP/security-advisories): one YAML file per advisory.

``VENDOR/PACKAGE/CVE-….yaml`` with a set of comparisons for each ``branch``, all of which hold. Advisories without a CVE have no
id of their own; their place in the repository represents one.
"""

import re

from msgspec import Struct, field

from leadline.model.vulnerability import Advisory, Affected, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.documents import read_record
from leadline.vulnerabilities.feed_formats.spans import Spans, composer_span, range_of
from leadline.vulnerabilities.feed_formats.values import cves, date, identifier, line, links, name
from leadline.vulnerabilities.versions.composer import composer

_MARK = re.compile(rb"['\"]?branches['\"]?\s*:")
_PLACE = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(?=\.ya?ml$)")


class _Branch(Struct, frozen=True):
    versions: list[str] = []
    time: str | int | None = None


class _Record(Struct, frozen=True):
    reference: str
    branches: dict[str, _Branch]
    title: str = ""
    link: str | None = None
    cve: str | None = None
    path: str = field(name="_path", default="")
    """In the repository, where lines of JSON keep it."""


def _is_friendsofphp(document: Document) -> bool:
    return b"composer://" in document.data and _MARK.search(document.head) is not None


@feed(
    "friendsofphp",
    "FriendsOfPHP security advisories",
    recognises=_is_friendsofphp,
    licence="Unlicense",
)
def friendsofphp(document: Document) -> Facts:
    record = read_record(document, _Record)
    if not record.reference.startswith("composer://"):
        raise Unreadable(f"of no package of Composer: {record.reference[:60]!r}")
    package = name(record.reference.removeprefix("composer://"))
    times = (date(branch.time) for branch in record.branches.values() if isinstance(branch.time, str))
    yield Advisory(
        identifier(next(iter(cves(record.cve)), "") or _own_id(record.path or document.path, package)),
        (Affected("Packagist", package, ranges=_ranges(record)),),
        summary=line(record.title),
        published=min(filter(None, times), default=""),
        references=links((record.link,)),
    )


def _own_id(path: str, package: str) -> str:
    found = _PLACE.search(path)
    return (
        f"FriendsOfPHP:{found[0]}"
        if found
        else f"FriendsOfPHP:{package}/{path.rpartition('/')[2].partition('.')[0]}"
    )


def _ranges(record: _Record) -> tuple[VersionRange, ...]:
    spans = Spans(composer)
    found: dict[VersionRange, None] = {}
    for branch in record.branches.values():
        span = composer_span(branch.versions, spans)
        if span is not None:
            one = range_of(span)
            # With a time, the end of a branch's range is the release that fixed it; without, the branch ends there.
            is_fix = isinstance(branch.time, int) or bool(date(branch.time))
            found[
                VersionRange(one.introduced, one.fixed, one.last_affected, one.after, is_fix or not one.fixed)
            ] = None
    if not found:
        raise Unreadable("no branch with versions")
    return tuple(found)
