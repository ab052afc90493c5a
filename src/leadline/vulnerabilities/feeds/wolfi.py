"""Wolfi's secdb, ``security.json`` beside its packages (https://packages.wolfi.dev): one rolling release."""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.secdb import is_secdb, read_fixes, read_repository


@feed(
    "wolfi-secdb",
    "Wolfi security database",
    recognises=lambda document: is_secdb(document, b"packages.wolfi.dev"),
    licence="CC-BY-NC-ND-4.0",
)
def wolfi(document: Document) -> Facts:
    yield from read_fixes(read_repository(document), "Wolfi")
