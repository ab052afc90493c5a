"""Red Hat's updates as CSAF (https://security.access.redhat.com/data/csaf/v2/advisories).

Packages are those that are installed; the source packages beside them are left out. Extended streams (EUS, AUS …) and
products on top of RHEL are channels.
"""

from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.csaf import Component, is_csaf, read_update
from leadline.vulnerabilities.feed_formats.releases import Release, red_hat_release


def _release(component: Component) -> Release | None:
    return red_hat_release(component.system_cpe)


@feed(
    "redhat-csaf",
    "Red Hat security advisories (CSAF)",
    recognises=lambda document: is_csaf(document, b"redhat.com") and b'"csaf_vex"' not in document.head,
    licence="CC-BY-4.0",
)
def redhat(document: Document) -> Facts:
    yield from read_update(document, _release)
