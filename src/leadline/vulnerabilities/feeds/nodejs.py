"""Node.js' security working group (https://github.com/nodejs/security-wg, folder ``vuln``): Node.js itself, and npm until 2018.

``vuln/core/1.json`` has ``vulnerable`` and ``patched``, ``vuln/npm/1.json`` has ``vulnerable_versions`` and ``patched_versions``, both in
the notation of npm's ranges; an ``index.json`` holds all of them by number.
"""

import re
from collections.abc import Iterator

from msgspec import Raw, Struct, field

from leadline.model.vulnerability import Advisory, Affected, Cvss, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed, rating
from leadline.vulnerabilities.feed_formats.spans import Span, Spans, npm_spans, range_of
from leadline.vulnerabilities.feed_formats.values import (
    cves,
    date,
    decode,
    each,
    first_sentences,
    line,
    links,
    name,
)
from leadline.vulnerabilities.versions.semver import semver

_NUMBER = re.compile(r"(\d+)\.json(?:#\d+)?$")
_INDEX = re.compile(rb'\s*\{\s*"\d+"\s*:\s*\{')
_NOTHING = frozenset(("<0.0.0", "< 0.0.0", ""))
_CPE = "nodejs:node.js"


class _Core(Struct, frozen=True):
    vulnerable: str
    patched: str | None = None
    cve: list[str] | None = None
    ref: str | None = None
    severity: str | list[str] | None = None
    description: str | None = None
    overview: str | None = None
    publish_date: str | None = None
    path: str = field(name="_path", default="")
    """In the repository, where lines of JSON keep it."""


class _Npm(Struct, frozen=True):
    id: int
    module_name: str
    vulnerable_versions: str
    patched_versions: str | None = None
    title: str | None = None
    cves: list[str] | None = None
    publish_date: str | None = None
    updated_at: str | None = None
    references: list[str] | None = None
    cvss_vector: str | None = None
    cvss_score: float | str | None = None


def _is_nodejs(document: Document) -> bool:
    head = document.head
    if head.lstrip()[:1] != b"{":
        return False
    is_core = b'"vulnerable"' in head and (b'"patched"' in head or b'"affectedEnvironments"' in head)
    return is_core or (b'"module_name"' in head and b'"vulnerable_versions"' in head)


@feed("nodejs", "Node.js security working group", recognises=_is_nodejs, licence="MIT")
def nodejs(document: Document) -> Facts:
    if _INDEX.match(document.data):
        records = decode(document.data, dict[str, Raw], "the index")
        yield from each(records.items(), lambda raw: _record(bytes(raw), ""))
        return
    number = _NUMBER.search(document.path)
    yield from _record(document.data, number[1] if number else "")


def _record(content: bytes, number: str) -> Facts:
    if b'"module_name"' in content:
        yield _npm(decode(content, _Npm, "the record"))
    else:
        record = decode(content, _Core, "the record")
        own = _NUMBER.search(record.path)
        yield from _core(record, own[1] if own else number)


def _core(record: _Core, number: str) -> Iterator[Advisory]:
    ids = cves(record.cve) or ((f"NSWG-CORE-{number}",) if number else ())
    if not ids:
        raise Unreadable("no id")
    spans = Spans(semver)
    patched = _patched(record.patched, spans)
    vulnerable = npm_spans(record.vulnerable, spans)
    ranges = tuple(dict.fromkeys(one for span in vulnerable for one in spans.without(span, patched)))
    if not ranges:
        raise Unreadable("no version that is vulnerable and not patched")
    severity = record.severity if isinstance(record.severity, str) else ""
    for own_id in ids:
        yield Advisory(
            own_id,
            (Affected("CPE", _CPE, ranges=ranges, cpe=f"cpe:2.3:a:{_CPE}:*:*:*:*:*:*:*:*"),),
            severity=rating(severity),
            summary=first_sentences(record.description or record.overview),
            published=date(record.publish_date),
            references=links((record.ref,)),
        )


def _npm(record: _Npm) -> Advisory:
    spans = Spans(semver)
    patched = _patched(record.patched_versions, spans)
    found = npm_spans(record.vulnerable_versions, spans)
    vector = (record.cvss_vector or "").strip()
    return Advisory(
        f"NSWG-ECO-{record.id}",
        (Affected("npm", name(record.module_name), ranges=tuple(_ranges(found, patched, spans))),),
        cves(record.cves),
        cvss=(Cvss(vector, _score(record.cvss_score)),) if re.fullmatch(r"CVSS:3[\w./:]+", vector) else (),
        summary=line(record.title),
        published=date(record.publish_date),
        modified=date(record.updated_at),
        references=links(record.references or ()),
    )


def _score(given: float | str | None) -> float:
    try:
        found = float(given or 0)
    except ValueError:
        return 0.0
    return found if 0 <= found <= 10 else 0.0


def _patched(written: str | None, spans: Spans) -> list[Span]:
    return [] if written is None or written.strip() in _NOTHING else npm_spans(written, spans)


def _ranges(found: list[Span], patched: list[Span], spans: Spans) -> Iterator[VersionRange]:
    """As written; where a patched version comes next, it is the end: nothing says that those between are not affected."""
    if not found:
        raise Unreadable("no version that is vulnerable")
    for span in found:
        fixes = [
            fix.low
            for fix in patched
            if fix.low and span.high and not fix.without_low and spans.key(fix.low) >= spans.key(span.high)
        ]
        if fixes:
            after = span.without_low and bool(span.low)
            yield VersionRange(span.low, fixed=min(fixes, key=spans.key), after=after)
        else:
            yield range_of(span)
