"""Kubernetes' official list of its own vulnerabilities.

As records of OSV with versions (https://github.com/kubernetes-sigs/cve-feed-osv), or as the JSON Feed of the
web site (https://kubernetes.io/docs/reference/issues-security/official-cve-feed), which has titles and dates but
no versions: its items are met by the same ids in other feeds.
"""

from msgspec import Raw, Struct

from leadline.model.vulnerability import Advisory
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.osv import publisher, read_osv
from leadline.vulnerabilities.feed_formats.values import cves, date, decode, each, identifier, line, links


class _List(Struct, frozen=True):
    items: list[Raw]


class _Item(Struct, frozen=True):
    id: str | None = None
    summary: str | None = None
    title: str | None = None
    date_published: str | None = None
    url: str | None = None
    external_url: str | None = None


def _is_list(document: Document) -> bool:
    return b"jsonfeed.org" in document.head and b"Kubernetes" in document.head


@feed(
    "kubernetes",
    "Kubernetes official CVE feed",
    recognises=lambda document: _is_list(document) or publisher(document) == "kubernetes",
    licence="Apache-2.0",
)
def kubernetes(document: Document) -> Facts:
    if not _is_list(document):
        yield from read_osv(document)
        return
    items = decode(document.data, _List, "the list").items
    yield from each(((f"item {number}", item) for number, item in enumerate(items, 1)), _item)


def _item(content: Raw) -> Facts:
    item = decode(content, _Item, "the item")
    # One issue may have several: ``CVE-2019-11249, CVE-2019-11251``.
    for cve in cves(item.id) or (identifier(item.id),):
        yield Advisory(
            cve,
            summary=line(item.summary or item.title),
            published=date(item.date_published),
            references=links((item.url, item.external_url)),
        )
