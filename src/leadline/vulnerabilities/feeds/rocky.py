"""Rocky Linux's ``updateinfo.xml``, one in every repository (``BaseOS``, ``AppStream``) of a release."""

import re

from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.releases import Release
from leadline.vulnerabilities.feed_formats.updateinfo import Collection, is_updateinfo, read_updates

_RELEASE = re.compile(r"rocky linux (\d+)|\brl(\d+)|\.el(\d+)|rocky-linux-(\d+)", re.IGNORECASE)


@feed(
    "rocky-updateinfo",
    "Rocky Linux errata (updateinfo)",
    recognises=lambda document: is_updateinfo(document, b"rockylinux"),
    licence="BSD-3-Clause",
)
def rocky(document: Document) -> Facts:
    yield from read_updates(document, _release)


def _release(collection: Collection) -> Release:
    found = _RELEASE.search(f"{collection.name} {collection.short} {collection.release}")
    if found is None:
        raise Unreadable(f"of no release of Rocky Linux: {collection.name[:60]!r}")
    return Release("Rocky Linux", next(filter(None, found.groups())))
