"""SUSE's and openSUSE's OVAL definitions (https://ftp.suse.com/pub/projects/security/oval), one for each CVE.

Each names products, and packages of them: fixed before a version, affected without a fix, or not affected. Files with
``affected`` in their name have all three.
"""

import re

from msgspec import structs

from leadline.model.vulnerability import Advisory, Affected, Cvss
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed, rating
from leadline.vulnerabilities.feed_formats.oval import (
    Condition,
    Definition,
    date_of,
    is_oval,
    package_of,
    range_of,
    read_definitions,
)
from leadline.vulnerabilities.feed_formats.releases import Release, suse_release
from leadline.vulnerabilities.feed_formats.values import MOST_AFFECTED, LeftOut, cves

_INSTALLED = re.compile(r"(.+) is installed")
_NOT_AFFECTED = re.compile(r"\S+ is not affected")
_VECTOR = re.compile(r"(\d+(?:\.\d+)?)/(CVSS:3\.[01]/[A-Za-z:/.]+)")


@feed(
    "suse-oval",
    "SUSE and openSUSE OVAL",
    recognises=lambda document: is_oval(document, b"org.opensuse.security"),
    licence="CC-BY-4.0",
)
def suse_oval(document: Document) -> Facts:
    yield from date_of(document)
    left_out = LeftOut()
    for definition in read_definitions(document):
        try:
            yield _advisory(definition)
        except Unreadable as error:
            left_out.add(definition.id or "a definition", error)
    left_out.check()


def _advisory(definition: Definition) -> Advisory:
    known = cves((definition.title, *definition.references))
    if not known:
        raise Unreadable("of no CVE")
    found = (one for condition in definition.conditions for one in _affected(condition))
    affected = tuple(dict.fromkeys(found))
    if len(affected) > MOST_AFFECTED:
        raise Unreadable(f"a definition with {len(affected):,} packages")
    scores = (_VECTOR.search(given.get("cvss3", "")) for given in definition.scored)
    return Advisory(
        known[0],
        affected,
        severity=rating(definition.severity),
        cvss=tuple(Cvss(score[2], float(score[1]), "suse") for score in scores if score),
        published=definition.issued,
        modified=definition.updated,
        references=definition.links,
    )


def _affected(condition: Condition) -> list[Affected]:
    """Of each product that is named with the package; none where the condition is the product itself."""
    plain = Affected("SUSE", package_of(condition), is_source=False)
    if _NOT_AFFECTED.fullmatch(condition.comment):
        plain = structs.replace(plain, state="not affected")
    elif condition.comparison in ("", "<", "<="):
        plain = structs.replace(plain, ranges=(range_of(condition),))
    else:
        return []
    return [
        structs.replace(plain, ecosystem=release.ecosystem, release=release.number, channel=release.channel)
        for release in _releases(condition)
    ]


def _releases(condition: Condition) -> list[Release]:
    products = (_INSTALLED.fullmatch(text) for text in condition.remarks)
    found = (suse_release(product[1]) for product in products if product)
    return list(dict.fromkeys(release for release in found if release is not None))
