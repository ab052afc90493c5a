"""OVAL definitions of Azure Linux and CBL-Mariner (https://github.com/microsoft/AzureLinuxVulnerabilityData).

One for each CVE of a source package. ``patchable`` says whether a fix is there (``true``), not yet (``false``), or that the
CVE is none of the package (``Not Applicable``). Both names are one distribution; the release is in the file's name
and in every version (``.azl3``, ``.cm2``).
"""

import re

from leadline.model.vulnerability import Advisory, Affected, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed, rating
from leadline.vulnerabilities.feed_formats.oval import (
    Definition,
    date_of,
    evr,
    is_oval,
    package_of,
    read_definitions,
)
from leadline.vulnerabilities.feed_formats.values import LeftOut, cves

_DIST = re.compile(r"\.(?:azl|cm)(\d+)")
_NAME = re.compile(r"-(\d+\.\d+)(?:-preview)?-oval")


@feed(
    "azure-linux",
    "Azure Linux vulnerability data (OVAL)",
    recognises=lambda document: is_oval(document, b"com.microsoft."),
    licence="MIT",
)
def azure_linux(document: Document) -> Facts:
    named = _NAME.search(document.path)
    yield from date_of(document)
    left_out = LeftOut()
    for definition in read_definitions(document):
        try:
            yield _advisory(definition, named[1] if named else "")
        except Unreadable as error:
            left_out.add(definition.id or "a definition", error)
    left_out.check()


def _advisory(definition: Definition, release: str) -> Advisory:
    known = cves((*definition.references, definition.title))
    if not known or not definition.conditions:
        raise Unreadable("without a CVE or a package")
    packages = {package_of(condition) for condition in definition.conditions}
    if len(packages) != 1:
        raise Unreadable(f"{len(packages)} packages where one was expected")
    dist = _DIST.search(definition.conditions[0].version)
    number = release or (f"{dist[1]}.0" if dist else "")
    if not number:
        raise Unreadable("of no release")
    is_applicable = definition.patchable.lower() != "not applicable"
    affected = Affected(
        "Azure Linux",
        packages.pop(),
        number,
        ranges=(_range(definition),) if is_applicable else (),
        state="affected" if is_applicable else "not affected",
        severity=rating(definition.severity),
    )
    return Advisory(known[0], (affected,), severity=rating(definition.severity), published=definition.issued)


def _range(definition: Definition) -> VersionRange:
    """All conditions hold at once: ``earlier than`` and ``greater than`` are the two ends."""
    start, fix, last, after = "", "", "", False
    for condition in definition.conditions:
        match condition.comparison:
            case ">" | ">=":
                start, after = evr(condition.version), condition.comparison == ">"
            case "<":
                fix = evr(condition.version)
            case "<=":
                last = evr(condition.version)
            case other:
                raise Unreadable(f"a version compared by {other[:40]!r}")
    if definition.patchable.lower() == "false":
        # The newest version that was looked at: later ones have no fix either.
        return VersionRange(start, after=after)
    return VersionRange(start, fixed=fix, last_affected="" if fix else last, after=after)
