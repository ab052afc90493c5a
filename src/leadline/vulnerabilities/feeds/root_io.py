"""Root.io's list of fixes that it put into packages of distributions (https://api.root.io/external/cve_feed).

``alpine``, ``debian`` or ``ubuntu`` → ``distroversion`` → package → CVE → ``vulnerable_ranges`` and ``fixed_versions``. Of the
fixes those count that Root.io made: what the distribution itself fixed it says as well. The file has no date.
"""

import re
from collections.abc import Iterator

from msgspec import Raw, Struct

from leadline.model.package import Package
from leadline.model.vulnerability import Advisory, Affected, Rating, VersionRange
from leadline.packages.file import Unreadable
from leadline.packages.root_io import CHANNEL, advised_name, is_of_root_io
from leadline.vulnerabilities.feed import Document, Facts, feed, rating
from leadline.vulnerabilities.feed_formats.values import decode, each, identifier, name, version

_START = re.compile(
    rb'\s*\{\s*"(?:alpine|debian|ubuntu)"\s*:\s*\[\s*\{\s*"(?:distroversion|packages)"\s*:', re.IGNORECASE
)
_ECOSYSTEMS = {"alpine": ("Alpine", "apk"), "debian": ("Debian", "deb"), "ubuntu": ("Ubuntu", "deb")}


class _Problem(Struct, frozen=True):
    fixed_versions: list[str] | None = None
    severity: str | None = None


class _Package(Struct, frozen=True):
    name: str | None = None
    cves: dict[str, Raw] | None = None


class _Entry(Struct, frozen=True):
    pkg: _Package


class _Release(Struct, frozen=True):
    distroversion: str = ""
    packages: list[_Entry] | None = None


@feed(
    "root-io",
    "Root.io fixes",
    recognises=lambda document: _START.match(document.head) is not None,
    licence="not stated",
)
def root_io(document: Document) -> Facts:
    distributions = decode(document.data, dict[str, list[_Release]], "the list")
    yield from each(_entries(distributions), lambda entry: _advisory(*entry))


def _entries(
    distributions: dict[str, list[_Release]],
) -> Iterator[tuple[str, tuple[str, str, str | None, str, Raw]]]:
    for distribution, releases in distributions.items():
        for release in releases:
            for one in release.packages or []:
                for id, content in (one.pkg.cves or {}).items():
                    where = f"{distribution} {release.distroversion}, {one.pkg.name}, {id}"
                    yield where, (distribution.lower(), release.distroversion, one.pkg.name, id, content)


def _advisory(distribution: str, release: str, package: str | None, id: str, content: Raw) -> Facts:
    if distribution not in _ECOSYSTEMS or not release:
        raise Unreadable(f"a distribution that is not known: {distribution[:40]!r}")
    ecosystem, type = _ECOSYSTEMS[distribution]
    problem = decode(content, _Problem, "the entry")
    named = advised_name(ecosystem, name(package))
    fixes = [version(fix) for fix in problem.fixed_versions or []]
    own = [fix for fix in fixes if is_of_root_io(Package(type, named, fix))]
    if not own:
        return  # the distribution's own fix, or none yet: its advisories say so
    ranges = tuple(VersionRange(fixed=fix) for fix in own)
    rated: Rating = rating(problem.severity or "")
    affected = Affected(ecosystem, named, release, CHANNEL, ranges, severity=rated)
    yield Advisory(identifier(id), (affected,))
