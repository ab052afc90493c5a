"""What the updates of distributions on RPM have in common: streams of modules, builds for architectures."""

import re
from collections.abc import Iterable

from msgspec.structs import replace

from leadline.image.feed import Affected

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
