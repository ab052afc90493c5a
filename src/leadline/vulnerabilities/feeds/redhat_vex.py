"""Red Hat's view of each CVE as CSAF VEX (https://security.access.redhat.com/data/csaf/v2/vex).

Beside what is fixed it says what is affected without a fix, what will not be fixed, and what is not affected.
"""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.csaf import Component, is_csaf, read_vex
from leadline.vulnerabilities.feed_formats.releases import Release, red_hat_release


def _release(component: Component) -> Release | None:
    return red_hat_release(component.system_cpe)


@feed(
    "redhat-vex",
    "Red Hat VEX",
    recognises=lambda document: is_csaf(document, b"redhat.com") and b'"csaf_vex"' in document.head,
    licence="CC-BY-4.0",
)
def redhat_vex(document: Document) -> Facts:
    yield from read_vex(document, _release)
