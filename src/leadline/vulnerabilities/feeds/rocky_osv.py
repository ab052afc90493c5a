"""Rocky Linux's errata in the schema of OSV (https://distro-tools.rocky.page/apollo/osv), under the names of source packages."""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.osv import publisher, read_osv


@feed(
    "rocky-osv",
    "Rocky Linux errata (OSV)",
    recognises=lambda document: publisher(document) == "rocky",
    licence="BSD-3-Clause",
)
def rocky_osv(document: Document) -> Facts:
    yield from read_osv(document)
