"""MinimOS' secdb, ``security.json`` beside its packages (https://packages.mini.dev): one rolling release."""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.secdb import is_secdb, read_fixes, read_repository


@feed(
    "minimos-secdb",
    "MinimOS security database",
    recognises=lambda document: is_secdb(document, b"packages.mini.dev"),
    licence="not stated",
)
def minimos(document: Document) -> Facts:
    yield from read_fixes(read_repository(document), "MinimOS")
