"""SUSE's and openSUSE's updates as CSAF (https://ftp.suse.com/pub/projects/security/csaf).

What to install is listed as ``recommended``. Container and cloud images are products of their own, and left out.
"""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.csaf import Component, is_csaf, read_update
from leadline.vulnerabilities.feed_formats.releases import Release, suse_release


def _release(component: Component) -> Release | None:
    return suse_release(component.system)


@feed(
    "suse-csaf",
    "SUSE security updates (CSAF)",
    recognises=lambda document: is_csaf(document, b"suse.com") and b'"csaf_vex"' not in document.head,
    licence="CC-BY-4.0",
)
def suse(document: Document) -> Facts:
    yield from read_update(document, _release)
