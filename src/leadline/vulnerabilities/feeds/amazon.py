"""Amazon Linux's ``updateinfo.xml``, one in every repository (https://alas.aws.amazon.com).

An extra (``amazon-linux-extras``) has a repository of its own, and ids that name it: ``ALAS2NGINX1-2023-001``,
``ALASKERNEL-5.4-2022-001``; it is a channel of Amazon Linux 2.
"""

import re

from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.releases import Release
from leadline.vulnerabilities.feed_formats.updateinfo import Collection, is_updateinfo, read_updates

_RELEASE = re.compile(r"amazon[- ]linux(?:[- ]ami)?(?:[- ](\d+))?", re.IGNORECASE)
_EXTRA = re.compile(r"ALAS2?([A-Z][A-Za-z0-9._-]*?)-\d{4}-\d+")


@feed(
    "amazon",
    "Amazon Linux security advisories",
    recognises=lambda document: is_updateinfo(document, b"linux-security@amazon.com"),
    licence="not stated",
)
def amazon(document: Document) -> Facts:
    yield from read_updates(document, _release)


def _release(collection: Collection) -> Release:
    found = _RELEASE.match(collection.name) or _RELEASE.match(collection.short)
    if found is None:
        raise Unreadable(f"of no release of Amazon Linux: {collection.name[:60]!r}")
    extra = _EXTRA.fullmatch(collection.update)
    return Release("Amazon", found[1] or "1", extra[1].lower() if extra else "")
