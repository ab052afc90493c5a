"""Vulnerabilities of Bitnami's packages (https://github.com/bitnami/vulndb), in the schema of OSV, with the rating beside them."""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.osv import publisher, read_osv


@feed(
    "bitnami",
    "Bitnami vulnerability database",
    recognises=lambda document: publisher(document) == "bitnami",
    licence="Apache-2.0",
)
def bitnami(document: Document) -> Facts:
    yield from read_osv(document)
