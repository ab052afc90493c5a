"""The Ruby advisory database (https://github.com/rubysec/ruby-advisory-db): one YAML file per advisory.

``gems/NAME/CVE-….yml`` is of a gem, ``rubies/ENGINE/…`` of Ruby itself or another engine. It lists what is patched and what
was never affected; every other version is affected.
"""

import re

from msgspec import Struct

from leadline.model.vulnerability import Advisory, Affected, Rating, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.documents import read_record
from leadline.vulnerabilities.feed_formats.spans import Span, Spans, gem_span
from leadline.vulnerabilities.feed_formats.values import date, identifier, line, links, name
from leadline.vulnerabilities.versions.gem import gem as gem_ordering

_YAML = re.compile(rb"^(?:gem|engine|library): ", re.MULTILINE)
_JSON = re.compile(rb'"(?:gem|engine|library)"\s*:\s*"')
_MARK = re.compile(rb"cvss_v|patched_versions|unaffected_versions|ghsa|osvdb|cve|url")
_NONE = (None, "", "~", "null")
_ENGINES = {"ruby": "ruby-lang:ruby", "mruby": "mruby:mruby", "jruby": "jruby:jruby"}


class _Record(Struct, frozen=True):
    title: str = ""
    gem: str | None = None
    engine: str | None = None
    library: str | None = None
    cve: str | None = None
    ghsa: str | None = None
    osvdb: int | str | None = None
    url: str | None = None
    date: str | None = None
    cvss_v3: float | str | None = None
    cvss_v4: float | str | None = None
    patched_versions: list[str] | None = None
    unaffected_versions: list[str] | None = None


def _is_rubysec(document: Document) -> bool:
    head = document.head
    is_json = head.lstrip()[:1] == b"{"
    found = (
        _JSON.search(head) if is_json else document.name.endswith((".yml", ".yaml")) and _YAML.search(head)
    )
    return bool(found) and b"title" in head and b"date" in head and _MARK.search(head) is not None


@feed("rubysec", "Ruby advisory database", recognises=_is_rubysec, licence="public domain")
def rubysec(document: Document) -> Facts:
    record = read_record(document, _Record)
    ids = _ids(record)
    if not ids:
        raise Unreadable("no id")
    yield Advisory(
        ids[0],
        (_affected(record),),
        ids[1:],
        severity=_severity(record),
        summary=line(record.title),
        published=date(record.date),
        references=links((record.url,)),
    )


def _ids(record: _Record) -> tuple[str, ...]:
    given = (("CVE", record.cve), ("GHSA", record.ghsa), ("OSVDB", record.osvdb))
    return tuple(identifier(f"{kind}-{number}") for kind, number in given if number not in _NONE)


def _affected(record: _Record) -> Affected:
    ranges = _ranges(record)
    if record.gem:
        return Affected("RubyGems", name(record.gem), ranges=ranges)
    product = name(record.engine or record.library)
    named = _ENGINES.get(product, f"{product}:{product}")
    return Affected("CPE", named, ranges=ranges, cpe=f"cpe:2.3:a:{named}:*:*:*:*:*:*:*:*")


def _ranges(record: _Record) -> tuple[VersionRange, ...]:
    spans = Spans(gem_ordering)
    patched = _spans(record.patched_versions, spans)
    unaffected = _spans(record.unaffected_versions, spans)
    ends = {span.low for span in patched}
    found = spans.without(Span(), (*patched, *unaffected))
    return tuple(
        one
        if not one.fixed or one.fixed in ends
        else VersionRange(one.introduced, one.fixed, after=one.after, is_fix=False)
        for one in found
    )


def _spans(requirements: list[str] | None, spans: Spans) -> list[Span]:
    return [gem_span(one, spans) for one in requirements or ()]


def _severity(record: _Record) -> Rating:
    """By the score, which is alone: its vector is not given."""
    for given in (record.cvss_v4, record.cvss_v3):
        try:
            score = float(given or 0)
        except ValueError:
            continue
        if score > 0:
            return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"
    return "unknown"
