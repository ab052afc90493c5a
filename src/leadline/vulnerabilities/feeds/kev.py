"""CISA's catalogue of vulnerabilities that attackers use (https://www.cisa.gov/known-exploited-vulnerabilities-catalog)."""

from msgspec import Raw, Struct, field

from leadline.model.vulnerability import Exploited, FeedDate
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.values import date, decode, each, identifier


class _Catalogue(Struct, frozen=True, rename="camel"):
    vulnerabilities: list[Raw]
    date_released: str | None = None


class _Entry(Struct, frozen=True, rename="camel"):
    id: str | None = field(name="cveID", default=None)
    date_added: str | None = None
    due_date: str | None = None
    known_ransomware_campaign_use: str | None = None


@feed(
    "cisa-kev",
    "CISA known exploited vulnerabilities",
    recognises=lambda document: (
        b'"catalogVersion"' in document.head and b'"vulnerabilities"' in document.head
    ),
    licence="CC0-1.0",
)
def kev(document: Document) -> Facts:
    catalogue = decode(document.data, _Catalogue, "the catalogue")
    if released := date(catalogue.date_released):
        yield FeedDate(released)
    numbered = ((f"entry {number}", entry) for number, entry in enumerate(catalogue.vulnerabilities, 1))
    yield from each(numbered, _exploited)


def _exploited(content: Raw) -> Facts:
    entry = decode(content, _Entry, "the entry")
    by_ransomware = (entry.known_ransomware_campaign_use or "").strip().lower() == "known"
    yield Exploited(identifier(entry.id), date(entry.date_added), date(entry.due_date), by_ransomware)
