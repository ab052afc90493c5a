"""Which package of the distribution owns the files of a language package."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from leadline.image.identity.places import file_at
from leadline.model.package import Package

if TYPE_CHECKING:
    from leadline.image.layers.tree import MergedTree

DISTRIBUTION_TYPES = frozenset(("apk", "deb", "rpm", "alpm"))


def with_owners(packages: Iterable[Package], tree: "MergedTree") -> Iterator[Package]:
    """``packages`` in order, with ``owned_by`` where a distribution package lists the file that it was found in."""
    packages = tuple(packages)
    owners = {
        path: package.name
        for package in packages
        if package.type in DISTRIBUTION_TYPES
        for path in package.files
    }
    for package in packages:
        if package.type not in DISTRIBUTION_TYPES and package.found_in and not package.owned_by:
            owner = _owner(package.found_in[0], owners, tree)
            if owner:
                package = replace(package, owned_by=owner)
        yield package


def _owner(place: str, owners: dict[str, str], tree: "MergedTree") -> str:
    path = file_at(place, owners)
    if not path and place.startswith("usr/"):
        # Databases written before /lib and /bin became links still name files by the old place.
        old = file_at(place.removeprefix("usr/"), owners)
        path = old if old and tree.resolve(old) == f"usr/{old}" else ""
    return owners.get(path, "")
