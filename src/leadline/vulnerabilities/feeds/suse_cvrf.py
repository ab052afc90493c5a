"""SUSE's and openSUSE's updates as CVRF, what CSAF was before (https://ftp.suse.com/pub/projects/security/cvrf).

Each ``Relationship`` says that a package (``libzypp-17.12.0-3.23.6``) is part of a product; the vulnerabilities of the
document are what it fixes.
"""

from collections.abc import Iterable, Iterator

from leadline.model.vulnerability import RATINGS, Advisory, Affected, Cvss, Rating, VersionRange
from leadline.packages.documents import Element
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed, rating
from leadline.vulnerabilities.feed_formats.releases import suse_release
from leadline.vulnerabilities.feed_formats.updateinfo import NOT_INSTALLED
from leadline.vulnerabilities.feed_formats.values import (
    MOST_AFFECTED,
    LeftOut,
    cves,
    date,
    identifier,
    line,
    links,
    name,
    version,
)
from leadline.vulnerabilities.feed_formats.xml import elements

_PARTS = ("DocumentTitle", "DocumentTracking", "DocumentReferences", "Relationship", "Vulnerability")


@feed(
    "suse-cvrf",
    "SUSE and openSUSE security updates (CVRF)",
    recognises=lambda document: b"<cvrfdoc" in document.head and b"suse" in document.head.lower(),
    licence="CC-BY-NC-4.0",
)
def suse_cvrf(document: Document) -> Facts:
    parts: dict[str, list[Element]] = {part: [] for part in _PARTS}
    for element in elements(document, "cvrfdoc", *_PARTS):
        parts[element.name].append(element)
    tracking = next(iter(parts["DocumentTracking"]), Element(""))
    left_out = LeftOut()
    own_id = identifier(tracking.child("Identification").value("ID"))
    affected = tuple(dict.fromkeys(_affected(parts["Relationship"], left_out)))
    if len(affected) > MOST_AFFECTED:
        raise Unreadable(f"{own_id}: an update with {len(affected):,} packages")
    problems = parts["Vulnerability"]
    references = [one for listed in parts["DocumentReferences"] for one in listed.children]
    if affected:
        yield Advisory(
            own_id,
            affected,
            covers=cves([problem.value("CVE") for problem in problems]),
            severity=_rating(problems),
            cvss=_cvss(problems) if len(problems) == 1 else (),
            summary=line(next((one.text for one in parts["DocumentTitle"]), "")),
            published=date(tracking.value("InitialReleaseDate")),
            modified=date(tracking.value("CurrentReleaseDate")),
            references=links(one.value("URL") for one in references),
        )
    left_out.check()


def _affected(relationships: Iterable[Element], left_out: LeftOut) -> Iterator[Affected]:
    for relationship in relationships:
        release = suse_release(relationship.attributes.get("RelatesToProductReference", ""))
        written = relationship.attributes.get("ProductReference", "")
        if release is None:
            continue  # Storage, Manager, containers: no system whose packages an image has
        try:
            package, number, build = written.rsplit("-", 2)
            if package.endswith(NOT_INSTALLED):
                continue
            fix = VersionRange(fixed=version(f"{number}-{build}"))
            yield Affected(
                release.ecosystem, name(package), release.number, release.channel, (fix,), is_source=False
            )
        except ValueError:
            left_out.add(written or "a package", "no name with a version and a release")
        except Unreadable as error:
            left_out.add(written, error)


def _rating(problems: Iterable[Element]) -> Rating:
    """The gravest of all that the update fixes: it has one word for each."""
    words = [
        threat.value("Description")
        for problem in problems
        for threat in problem.child("Threats").children
        if threat.attributes.get("Type") == "Impact"
    ]
    return min((rating(word) for word in words), key=RATINGS.index, default="unknown")


def _cvss(problems: Iterable[Element]) -> tuple[Cvss, ...]:
    found = []
    for problem in problems:
        for scores in problem.child("CVSSScoreSets").children:
            vector, score = scores.value("Vector"), _number(scores.value("BaseScore"))
            if vector and score:
                found.append(Cvss(vector if "/" in vector else "", score, "suse"))
    return tuple(dict.fromkeys(found))


def _number(word: str) -> float:
    try:
        found = float(word)
    except ValueError:
        return 0.0
    return found if 0 < found <= 10 else 0.0
