"""What changed from one image to another: packages, and the vulnerabilities that went or came with them."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from leadline.model.image_report import ImageReport
from leadline.model.package import Package
from leadline.model.vulnerability import Match

Name = tuple[str, str, str]
"""Type, namespace and name of a package."""


class PackageChange(Struct, frozen=True):
    """A package that is in one of the images only, or in another version."""

    type: str
    namespace: str
    name: str
    before: tuple[str, ...]
    """Versions in the first image; empty where it is new."""
    after: tuple[str, ...]
    """Versions in the second; empty where it is gone."""


class ImageDiff(Struct, frozen=True):
    """From ``before`` to ``after``."""

    before: ImageReport
    after: ImageReport
    packages: tuple[PackageChange, ...]
    """By type and name."""
    fixed: tuple[Match, ...]
    """In the first alone, the most urgent first."""
    new: tuple[Match, ...]
    """In the second alone."""
    kept: int
    """Problems of packages that both have."""


def image_diff(before: ImageReport, after: ImageReport) -> ImageDiff:
    """A vulnerability is the same where it is the same problem of a package of the same name, whatever the version."""
    old = {_problem(match) for match in before.vulnerabilities}
    new = {_problem(match) for match in after.vulnerabilities}
    return ImageDiff(
        before,
        after,
        tuple(_changes(before.sbom.packages, after.sbom.packages)),
        _first_of_each(match for match in before.vulnerabilities if _problem(match) not in new),
        _first_of_each(match for match in after.vulnerabilities if _problem(match) not in old),
        len(old & new),
    )


def _name(package: Package) -> Name:
    return package.type, package.namespace, package.name


def _problem(match: Match) -> tuple[str, Name]:
    return match.id, _name(match.package)


def _first_of_each(matches: Iterable[Match]) -> tuple[Match, ...]:
    """A package in two places has its problems once."""
    return tuple({_problem(match): match for match in reversed(tuple(matches))}.values())[::-1]


def _changes(before: Sequence[Package], after: Sequence[Package]) -> list[PackageChange]:
    old, new = _versions(before), _versions(after)
    return [
        PackageChange(*name, old.get(name, ()), new.get(name, ()))
        for name in sorted(old.keys() | new.keys())
        if old.get(name, ()) != new.get(name, ())
    ]


def _versions(packages: Iterable[Package]) -> dict[Name, tuple[str, ...]]:
    found: dict[Name, set[str]] = {}
    for package in packages:
        found.setdefault(_name(package), set()).add(package.version)
    return {name: tuple(sorted(versions)) for name, versions in found.items()}
