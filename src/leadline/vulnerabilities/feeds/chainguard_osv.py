"""Chainguard's advisories for its own packages and Wolfi's in the schema of OSV (https://packages.cgr.dev/chainguard/osv/all.json).

A fix in version ``0`` says that the package was never affected.
"""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.osv import publisher, read_osv


@feed(
    "chainguard-osv",
    "Chainguard and Wolfi advisories (OSV)",
    recognises=lambda document: publisher(document) == "chainguard",
    licence="CC-BY-NC-ND-4.0",
)
def chainguard_osv(document: Document) -> Facts:
    yield from read_osv(document)
