"""Ubuntu's notices (``USN``) and view of CVEs in the schema of OSV (https://github.com/canonical/ubuntu-security-notices).

Packages are source packages. What needs a subscription has ``Pro`` in its ecosystem, and its channel in the package URL.
"""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.osv import publisher, read_osv


@feed(
    "ubuntu-osv",
    "Ubuntu security notices and CVEs (OSV)",
    recognises=lambda document: publisher(document) == "ubuntu",
    licence="CC-BY-SA-4.0",
)
def ubuntu_osv(document: Document) -> Facts:
    yield from read_osv(document)
