"""Alpine's secdb: https://secdb.alpinelinux.org, one file per branch and repository (``v3.20/main.json``)."""

from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.secdb import is_secdb, read_fixes, read_repository


@feed(
    "alpine-secdb",
    "Alpine security database",
    recognises=lambda document: is_secdb(document, b"alpinelinux.org"),
    licence="not stated",
)
def alpine(document: Document) -> Facts:
    repository = read_repository(document)
    release = repository.distroversion.removeprefix("v")
    if not release:
        raise Unreadable("of no branch of Alpine")
    yield from read_fixes(repository, "Alpine", release)
