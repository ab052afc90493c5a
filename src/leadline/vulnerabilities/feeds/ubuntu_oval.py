"""Ubuntu's OVAL definitions (https://security-metadata.canonical.com/oval), one file per release.

``com.ubuntu.jammy.cve.oval.xml`` has a definition for each CVE, with the state of every source package in the words of its
criteria; ``….usn.oval.xml`` one for each notice, with the binary packages that it updates.
"""

import re
from collections.abc import Iterator

from leadline.model.vulnerability import Advisory, Affected, Cvss, State, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed, rating
from leadline.vulnerabilities.feed_formats.oval import (
    Condition,
    Definition,
    date_of,
    is_oval,
    range_of,
    read_definitions,
)
from leadline.vulnerabilities.feed_formats.releases import UBUNTU
from leadline.vulnerabilities.feed_formats.values import MOST_AFFECTED, LeftOut, name, version

_CODE_NAME = re.compile(r"oval:com\.ubuntu\.([a-z_.-]+):def")
_SOURCE = re.compile(r"(\S+?):? (?:package in ([a-z./-]+)|while related)")
_NOTE = re.compile(r"\(note: '([^']+)'\)")
_NOTICE = re.compile(r"(?:USN|LSN)-\d+-\d+")
_STATES: tuple[tuple[str, State], ...] = (
    ("needs fixing", "affected"),
    ("may need fixing", "under investigation"),
    ("decision has been made to defer", "deferred"),
    ("decision has been made to ignore", "wont fix"),
    ("end of life", "end of life"),
    ("not affected", "not affected"),
)


@feed(
    "ubuntu-oval",
    "Ubuntu security data (OVAL)",
    recognises=lambda document: is_oval(document, b"com.ubuntu."),
    licence="CC-BY-SA-4.0",
)
def ubuntu_oval(document: Document) -> Facts:
    yield from date_of(document)
    left_out = LeftOut()
    for definition in read_definitions(document):
        try:
            advisory = _advisory(definition)
        except Unreadable as error:
            left_out.add(definition.id or "a definition", error)
            continue
        if advisory.affected:  # many are of kernels, which only the running system shows
            yield advisory
    left_out.check()


def _advisory(definition: Definition) -> Advisory:
    release = _release(definition)
    notice = _NOTICE.search(" ".join((*definition.references, definition.title)))
    is_notice = definition.kind == "patch" and notice is not None
    known = definition.cves
    if not known and not is_notice:
        raise Unreadable("of no CVE and no notice")
    affected = tuple(
        dict.fromkeys(one for condition in definition.conditions for one in _affected(condition, release))
    )
    if len(affected) > MOST_AFFECTED:
        raise Unreadable(f"a definition with {len(affected):,} packages")
    return Advisory(
        notice[0] if notice and is_notice else known[0],
        affected,
        covers=known if is_notice else (),
        severity=rating(definition.severity or definition.title.rpartition(" - ")[2].rstrip(".")),
        cvss=() if is_notice else tuple(_cvss(definition)),
        summary=definition.title if is_notice else "",
        published=definition.issued,
        references=definition.links,
    )


def _release(definition: Definition) -> str:
    found = _CODE_NAME.match(definition.id)
    words = re.split(r"[._]", found[1]) if found else []
    for word in words:
        if word in UBUNTU:
            return UBUNTU[word]
    raise Unreadable("of no release of Ubuntu")


def _cvss(definition: Definition) -> Iterator[Cvss]:
    for given in definition.scored:
        vector = given.get("cvss_vector", "")
        if re.fullmatch(r"CVSS:[\d.]+/[A-Za-z:/]+", vector):
            yield Cvss(vector)


def _affected(condition: Condition, release: str) -> Iterator[Affected]:
    channel = _channel(condition)
    source = _SOURCE.match(condition.comment)
    if source is None:
        if condition.comparison == "<":
            for package in condition.packages:
                yield Affected(
                    "Ubuntu", name(package), release, channel, (range_of(condition),), is_source=False
                )
        return
    package, fixed = name(source[1].rstrip(",")), _NOTE.search(condition.comment)
    if "has been fixed" in condition.comment or condition.comparison == "<":
        fix = version(fixed[1]) if fixed else range_of(condition).fixed
        yield Affected("Ubuntu", package, release, channel, (VersionRange(fixed=fix),))
        return
    for words, state in _STATES:
        if words in condition.comment:
            ranges = () if state == "not affected" else (VersionRange(),)
            yield Affected("Ubuntu", package, release, channel, ranges, state=state)
            return
    raise Unreadable(f"a state that is not known: {condition.comment[:60]!r}")


def _channel(condition: Condition) -> str:
    """Of a fix that needs a subscription."""
    words = condition.comment.lower()
    if "ubuntu pro" not in words and "/esm" not in words and "esm" not in words.split():
        return ""
    return "esm-apps" if "apps" in words else "esm-infra" if "infra" in words else "esm"
