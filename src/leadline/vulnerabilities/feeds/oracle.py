"""Oracle Linux's OVAL definitions (https://linux.oracle.com/security/oval), one for each erratum.

``ELSA`` is about security, ``ELBA`` is a bug fix. Packages are those that are installed. Builds for Ksplice and for FIPS have
versions that sort apart from all others, and so are channels of their own.
"""

import re

from leadline.model.vulnerability import Advisory, Affected
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
    remark,
)
from leadline.vulnerabilities.feed_formats.updates import by_architecture
from leadline.vulnerabilities.feed_formats.values import MOST_AFFECTED, LeftOut, identifier

_ID = re.compile(r"EL[SBE]A-\d{4}-\d+(?:-\d+)?")
_RELEASE = re.compile(r"Oracle Linux (\d+)")
_ARCH = re.compile(r"Oracle Linux arch is (\S+)")
_MODULE = re.compile(r"Module (\S+:\S+) is enabled")


@feed(
    "oracle",
    "Oracle Linux errata (OVAL)",
    recognises=lambda document: is_oval(document, b"com.oracle.elsa"),
    licence="not stated",
)
def oracle(document: Document) -> Facts:
    yield from date_of(document)
    left_out = LeftOut()
    for definition in read_definitions(document):
        try:
            yield _advisory(definition)
        except Unreadable as error:
            left_out.add(definition.id or "a definition", error)
    left_out.check()


def _advisory(definition: Definition) -> Advisory:
    named = _ID.search(" ".join((*definition.references, definition.title)))
    own_id = identifier(named[0] if named else "")
    earlier = [condition for condition in definition.conditions if condition.comparison == "<"]
    affected = by_architecture((_affected(definition, one), _arch(one)) for one in earlier)
    if not affected:
        raise Unreadable("an erratum without packages")
    if len(affected) > MOST_AFFECTED:
        raise Unreadable(f"an erratum with {len(affected):,} packages")
    return Advisory(
        own_id,
        affected,
        covers=definition.cves,
        kind="security" if own_id.startswith("ELSA") else "bug fix",
        severity=rating(definition.severity),
        summary=definition.title,
        published=definition.issued,
        modified=definition.updated,
        references=definition.links,
    )


def _arch(condition: Condition) -> str:
    found = remark(condition, _ARCH)
    return found[1] if found else ""


def _affected(definition: Definition, condition: Condition) -> Affected:
    release = remark(condition, _RELEASE) or _RELEASE.search(" ".join(definition.platforms))
    if release is None:
        raise Unreadable("of no release of Oracle Linux")
    module = remark(condition, _MODULE)
    return Affected(
        "Oracle",
        package_of(condition),
        release[1],
        "ksplice" if ".ksplice" in condition.version else "fips" if "_fips" in condition.version else "",
        (range_of(condition),),
        is_source=False,
        module=module[1] if module else "",
    )
