"""Debian's security tracker: for each source package and CVE the state in every release.

``data/json`` of the tracker (https://security-tracker.debian.org): package → CVE → ``releases`` by code name, with
``status`` (open, resolved, undetermined), ``fixed_version`` (``0``: never affected), ``urgency``, and for what gets no
update of its own ``nodsa`` with ``nodsa_reason`` (ignored, postponed). A star behind an urgency only says who set it.
"""

from collections.abc import Iterator

from msgspec import Raw, Struct

from leadline.model.vulnerability import Advisory, Affected, Rating, State, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document, Facts, feed, rating
from leadline.vulnerabilities.feed_formats.releases import DEBIAN
from leadline.vulnerabilities.feed_formats.values import decode, each, identifier, line, name, version

_MARKS = (b'"releases"', b'"repositories"', b'"urgency"')


class _Release(Struct, frozen=True):
    status: str = ""
    fixed_version: str | None = None
    urgency: str | None = None
    nodsa: str | None = None
    nodsa_reason: str | None = None


class _Problem(Struct, frozen=True):
    releases: dict[str, _Release]
    description: str | None = None


@feed(
    "debian-tracker",
    "Debian security tracker",
    recognises=lambda document: all(mark in document.head for mark in _MARKS),
    licence="MIT",
)
def debian_tracker(document: Document) -> Facts:
    packages = decode(document.data, dict[str, Raw], "the tracker's list")
    yield from each(_problems(packages), lambda problem: _advisory(*problem))


def _problems(packages: dict[str, Raw]) -> Iterator[tuple[str, tuple[str, str, Raw]]]:
    for package, raw in packages.items():
        try:
            found = decode(raw, dict[str, Raw], "the package")
        except Unreadable:
            yield package, (package, "", raw)
            continue
        for problem, content in found.items():
            yield f"{package}, {problem}", (package, problem, content)


def _advisory(package: str, problem: str, content: Raw) -> Facts:
    found = decode(content, _Problem, "the entry")
    affected = tuple(
        _affected(name(package), DEBIAN[code_name], release)
        for code_name, release in found.releases.items()
        if code_name in DEBIAN
    )
    # Of a problem without a CVE yet the tracker makes up a name of its own: ``TEMP-0000000-ABCDEF``.
    yield Advisory(identifier(problem), affected, summary=line(found.description))


def _affected(package: str, release: str, given: _Release) -> Affected:
    urgency = (given.urgency or "").strip("* ")
    rated: Rating = rating(urgency)
    if given.status == "resolved":
        fix = version(given.fixed_version)
        if fix == "0":
            return Affected("Debian", package, release, state="not affected", severity=rated)
        return Affected("Debian", package, release, ranges=(VersionRange(fixed=fix),), severity=rated)
    if given.status not in ("open", "undetermined"):
        raise Unreadable(f"a state that the tracker does not have: {given.status[:40]!r}")
    state, reason = _unfixed(given, urgency)
    return Affected(
        "Debian", package, release, ranges=(VersionRange(),), state=state, severity=rated, reason=reason
    )


def _unfixed(given: _Release, urgency: str) -> tuple[State, str]:
    if given.status == "undetermined":
        return "under investigation", ""
    if urgency == "end-of-life":
        return "end of life", urgency
    reason = line(given.nodsa_reason)
    if reason == "ignored":
        return "wont fix", reason
    if reason == "postponed" or given.nodsa is not None:
        return "deferred", reason
    return "affected", ""
