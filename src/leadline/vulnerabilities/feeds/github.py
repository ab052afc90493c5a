"""Advisories that GitHub reviewed, one file each.

From the repository of the GitHub Advisory Database, or as OSV hands them on (``GHSA-….json`` in its archives).
Format: https://ossf.github.io/osv-schema, with the severity and weaknesses in ``database_specific``.
"""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.osv import publisher, read_osv


@feed(
    "github",
    "GitHub Advisory Database",
    recognises=lambda document: publisher(document) == "github",
    licence="CC-BY-4.0",
)
def github(document: Document) -> Facts:
    yield from read_osv(document)
