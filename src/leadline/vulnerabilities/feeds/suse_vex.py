"""SUSE's view of each CVE as CSAF VEX (https://ftp.suse.com/pub/projects/security/csaf-vex).

It lists for every product what is fixed, affected and not affected.
"""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.csaf import Component, is_csaf, read_vex
from leadline.vulnerabilities.feed_formats.releases import Release, suse_release


def _release(component: Component) -> Release | None:
    return suse_release(component.system)


@feed(
    "suse-vex",
    "SUSE VEX",
    recognises=lambda document: is_csaf(document, b"suse.com") and b'"csaf_vex"' in document.head,
    licence="CC-BY-4.0",
)
def suse_vex(document: Document) -> Facts:
    yield from read_vex(document, _release)
