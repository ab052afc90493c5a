"""NIST's National Vulnerability Database, in the form of its interface 2.0 (https://nvd.nist.gov/developers/vulnerabilities).

A page of the interface or a yearly file (``vulnerabilities[].cve``), or one record a file or line. Products are named by CPE
alone; of them only applications (part ``a``) are kept: operating systems and hardware are not packages of an image.
"""

import re
from collections.abc import Iterator

from msgspec import Raw, Struct

from leadline.model.vulnerability import Advisory, Affected, Cvss, FeedDate, Rating, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed, rating
from leadline.vulnerabilities.feed_formats.values import (
    MOST_AFFECTED,
    LeftOut,
    cves,
    date,
    decode,
    each,
    first_sentences,
    identifier,
    introduced,
    line,
    links,
    version,
    weaknesses,
)


class _Page(Struct, frozen=True):
    vulnerabilities: list[Raw]
    timestamp: str | None = None


class _Wrapped(Struct, frozen=True):
    cve: Raw


class _Words(Struct, frozen=True):
    lang: str = ""
    value: str = ""


class _Data(Struct, frozen=True, rename="camel"):
    vector_string: str = ""
    base_score: float = 0.0
    base_severity: str = ""


class _Metric(Struct, frozen=True, rename="camel"):
    cvss_data: _Data = _Data()
    source: str = ""
    type: str = ""
    base_severity: str = ""
    """Where version 2 has it."""


class _Metrics(Struct, frozen=True, rename="camel"):
    cvss_metric_v40: list[_Metric] = []
    cvss_metric_v31: list[_Metric] = []
    cvss_metric_v30: list[_Metric] = []
    cvss_metric_v2: list[_Metric] = []


class _Weakness(Struct, frozen=True):
    description: list[_Words] = []


class _Match(Struct, frozen=True, rename="camel"):
    vulnerable: bool
    criteria: str
    version_start_including: str | None = None
    version_start_excluding: str | None = None
    version_end_including: str | None = None
    version_end_excluding: str | None = None


class _Node(Struct, frozen=True, rename="camel"):
    cpe_match: list[_Match] = []
    negate: bool = False


class _Configuration(Struct, frozen=True):
    nodes: list[_Node] = []


class _Reference(Struct, frozen=True):
    url: str | None = None


class _Record(Struct, frozen=True, rename="camel"):
    id: str | None = None
    published: str | None = None
    last_modified: str | None = None
    vuln_status: str | None = None
    descriptions: list[_Words] = []
    metrics: _Metrics = _Metrics()
    weaknesses: list[_Weakness] = []
    configurations: list[_Configuration] = []
    references: list[_Reference] = []


def _is_page(document: Document) -> bool:
    return b'"NVD_CVE"' in document.head and b'"vulnerabilities"' in document.head


def _is_record(document: Document) -> bool:
    head = document.head
    return not _is_page(document) and b'"sourceIdentifier"' in head and b'"vulnStatus"' in head


@feed(
    "nvd",
    "National Vulnerability Database",
    recognises=lambda document: _is_page(document) or _is_record(document),
    licence="public domain (NIST)",
)
def nvd(document: Document) -> Facts:
    if not _is_page(document):
        yield from _advisory(document.data)
        return
    page = decode(document.data, _Page, "the page")
    if made := date(page.timestamp):
        yield FeedDate(made)
    numbered = ((f"record {number}", raw) for number, raw in enumerate(page.vulnerabilities, 1))
    yield from each(numbered, lambda raw: _advisory(bytes(raw)))


def _advisory(content: bytes) -> Facts:
    if b'"cve"' in content[:64]:
        content = bytes(decode(content, _Wrapped, "the record").cve)
    record = decode(content, _Record, "the record")
    own_id = next(iter(cves(record.id)), "") or identifier("")
    left_out = LeftOut()
    affected = dict.fromkeys(_affected(record, own_id, left_out))
    if len(affected) > MOST_AFFECTED:
        raise Unreadable(f"{own_id} names {len(affected):,} products")
    is_rejected = record.vuln_status == "Rejected"
    yield Advisory(
        own_id,
        () if is_rejected else tuple(affected),
        severity=_severity(record.metrics),
        cvss=tuple(_cvss(record.metrics)),
        summary=first_sentences(
            next((words.value for words in record.descriptions if words.lang == "en"), "")
        ),
        published=date(record.published),
        modified=date(record.last_modified),
        withdrawn=date(record.last_modified) if is_rejected else "",
        references=links(
            (f"https://nvd.nist.gov/vuln/detail/{own_id}", *(one.url for one in record.references))
        ),
        weaknesses=weaknesses(
            words.value for weakness in record.weaknesses for words in weakness.description
        ),
    )
    left_out.check()


def _rated(metrics: _Metrics) -> Iterator[_Metric]:
    """The newest scheme first; NIST's own before that of who reported."""
    for listed in (
        metrics.cvss_metric_v40,
        metrics.cvss_metric_v31,
        metrics.cvss_metric_v30,
        metrics.cvss_metric_v2,
    ):
        yield from sorted(listed, key=lambda metric: metric.type != "Primary")


def _severity(metrics: _Metrics) -> Rating:
    found = list(_rated(metrics))
    primary = next((metric for metric in found if metric.type == "Primary"), found[0] if found else _Metric())
    return rating(primary.cvss_data.base_severity or primary.base_severity)


def _cvss(metrics: _Metrics) -> Iterator[Cvss]:
    for metric in _rated(metrics):
        data = metric.cvss_data
        if data.vector_string and len(data.vector_string) <= 256 and 0 <= data.base_score <= 10:
            yield Cvss(data.vector_string, data.base_score, line(metric.source))


def _affected(record: _Record, own_id: str, left_out: LeftOut) -> Iterator[Affected]:
    for configuration in record.configurations:
        for node in configuration.nodes:
            for match in node.cpe_match if not node.negate else ():
                if match.vulnerable:
                    try:
                        yield from _product(match)
                    except Unreadable as error:
                        left_out.add(own_id, error)


def _product(match: _Match) -> Iterator[Affected]:
    cpe = split_cpe(match.criteria)
    if cpe.part != "a" or cpe.version == "-":
        return  # a product without versions is none that a package could be
    product = f"{cpe.vendor}:{cpe.product}"
    if cpe.version != "*":
        release = f"{cpe.version}-{cpe.update}" if cpe.update not in ("*", "-", "") else cpe.version
        yield Affected("CPE", product, versions=(version(release),), cpe=match.criteria)
        return
    yield Affected("CPE", product, ranges=(_range(match),), cpe=match.criteria)


def _range(match: _Match) -> VersionRange:
    after = match.version_start_excluding is not None
    written = match.version_start_excluding or match.version_start_including
    start = introduced(written) if written else ""
    if match.version_end_excluding is not None:
        # Where the range ends is mostly a release, but nothing says that it is one to upgrade to.
        return VersionRange(start, fixed=version(match.version_end_excluding), after=after, is_fix=False)
    if match.version_end_including is not None:
        return VersionRange(start, last_affected=version(match.version_end_including), after=after)
    return VersionRange(start, after=after and bool(start))


LONGEST = 1024
_PART = re.compile(r"((?:[^:\\]|\\.)*)(?::|$)")
_ESCAPED = re.compile(r"\\(.)")


class Cpe(Struct, frozen=True):
    """The fields that say which product, without the escapes of the format; ``*`` for any, ``-`` for none."""

    part: str
    vendor: str
    product: str
    version: str
    update: str


def split_cpe(written: str) -> Cpe:
    """Raises ``Unreadable`` where ``written`` is not a CPE 2.3 name."""
    if not written.startswith("cpe:2.3:") or len(written) > LONGEST:
        raise Unreadable(f"no CPE 2.3 name: {written[:60]!r}")
    fields = [_ESCAPED.sub(r"\1", found[1]) for found in _PART.finditer(written.removeprefix("cpe:2.3:"))]
    if (
        len(fields) < 5
        or fields[0] not in ("a", "o", "h", "*")
        or not (fields[1] and fields[2] and fields[3])
    ):
        raise Unreadable(f"no CPE 2.3 name: {written[:60]!r}")
    return Cpe(*fields[:5])
