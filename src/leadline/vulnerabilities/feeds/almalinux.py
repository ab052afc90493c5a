"""AlmaLinux's errata in the schema of OSV (https://github.com/AlmaLinux/osv-database).

``ALSA`` is about security, ``ALBA`` and ``ALEA`` are bug fixes and enhancements, which never make a vulnerability.
Packages are those that are installed; the stream of a module is in the title.
"""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.osv import publisher, read_osv


@feed(
    "almalinux",
    "AlmaLinux errata",
    recognises=lambda document: publisher(document) == "almalinux",
    licence="MIT",
)
def almalinux(document: Document) -> Facts:
    yield from read_osv(document)
