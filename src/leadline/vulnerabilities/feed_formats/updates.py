"""What the updates of distributions on RPM have in common: streams of modules, builds for architectures."""

import re
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from leadline.model.vulnerability import Affected, VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.ordering import Unorderable
from leadline.vulnerabilities.versions.rpm import rpm

_MODULE = re.compile(
    r"\b([A-Za-z0-9_.+-]+:[A-Za-z0-9_.+-]+)(?= (?:and|security|bug|update|module|enhancement)\b)"
)
_FOR_ALL = frozenset(("", "noarch", "src"))


def module_in(title: str, package: str) -> str:
    """The stream that an update's title names, ``python39:3.9 and python39-devel:3.9 security update``; empty for none.

    Of several it is the one whose name ``package`` begins with, or else the first.
    """
    named = _MODULE.findall(title)
    own = (one for one in named if package.startswith(one.partition(":")[0]))
    return str(next(own, named[0] if named else ""))


def by_architecture(listed: Iterable[tuple[Affected, str]]) -> tuple[Affected, ...]:
    """Each package once. Architectures are named where they do not all have the same version."""
    arches: dict[Affected, dict[str, None]] = {}
    versions: dict[Affected, set[Affected]] = {}
    for one, arch in listed:
        arches.setdefault(one, {})[arch] = None
        versions.setdefault(replace(one, ranges=()), set()).add(one)
    found = []
    for one, named in arches.items():
        is_one_of_many = len(versions[replace(one, ranges=())]) > 1
        found.append(
            replace(one, arches=tuple(named)) if is_one_of_many and not _FOR_ALL & named.keys() else one
        )
    return tuple(found)


def by_stream(listed: Sequence[Affected]) -> tuple[Affected, ...]:
    """Each package once, where one release got the fix in several upstream versions: python3.9-3.9.18-3.el9_4.5 in
    the updates of RHEL 9.4, 3.9.19-8.el9 in 9.5.

    Below the lowest fix it is affected; behind that only from the next upstream version to its fix. Of several fixes
    of one upstream version the last counts, which wrongly blames an older minor release rather than miss a newer one.
    """
    ranges: dict[Affected, dict[VersionRange, None]] = {}
    for one in listed:
        ranges.setdefault(replace(one, ranges=()), {}).update(dict.fromkeys(one.ranges))
    return tuple(replace(one, ranges=_streams(tuple(found))) for one, found in ranges.items())


def _streams(ranges: tuple[VersionRange, ...]) -> tuple[VersionRange, ...]:
    if len(ranges) < 2:
        return ranges
    try:
        fixes = sorted((one.fixed for one in ranges), key=rpm.key)
    except Unorderable as error:
        raise Unreadable(f"no version: {str(error)[:60]!r}") from error
    last = {fix.rpartition("-")[0]: fix for fix in fixes}
    lowest, *others = last.items()
    return (VersionRange(fixed=lowest[1]), *(VersionRange(f"{base}-0", fixed=fix) for base, fix in others))
