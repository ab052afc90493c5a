"""Which package of the distribution owns a file, or the files of a language package."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from leadline.model.package import DISTRIBUTION_TYPES, Package
from leadline.packages.code_files import is_code
from leadline.packages.needed_library import NEEDED_LIBRARY
from leadline.packages.places import file_at
from leadline.sbom.listed_sums import ListedSums, owners_by_file

if TYPE_CHECKING:
    from leadline.sbom.layers.tree import MergedTree

_LANGUAGES = ("pypi", "gem", "cran", "luarocks")
"""Of which a distribution installs the files of each package apart from its description."""


def with_owners(packages: Iterable[Package], tree: "MergedTree") -> Iterator[Package]:
    """``packages`` in order, with ``owned_by`` where a distribution package lists the file that it was found in.

    A list is believed only where the checksum beside the file is that of the file.
    """
    packages = tuple(packages)
    sums = ListedSums(tree)
    owners = owners_by_file(packages, DISTRIBUTION_TYPES)
    for package in packages:
        if package.type not in DISTRIBUTION_TYPES and package.found_in and not package.owned_by:
            path, owner = _owner(package.found_in[0], owners, tree)
            if owner is not None and sums.confirm(owner, path):
                package = replace(package, owned_by=owner.name)
        yield package


def with_useful_files(
    packages: Iterable[Package], mentioned: Collection[str], *, with_code: bool = False
) -> Iterator[Package]:
    """``packages`` in order, with those of their paths, a hundred thousand, that are asked for.

    They are ``mentioned`` in the SBOM, or packages of RPM name what they need by them, or they are code. With code, what the
    distribution installed of a language and what lists no files of its own has those of the package that installed it.
    """
    packages = tuple(packages)
    needed = {name for package in packages if package.type == "rpm" for name in package.depends}
    paths = {name[1:] for name in needed if name.startswith("/")}
    paths |= {f"usr/{path}" for path in paths}
    paths.update(mentioned)
    names = {found["library"] for found in map(NEEDED_LIBRARY.match, needed) if found}
    owners: dict[str, tuple[str, ...]] = {}
    for package in packages:
        files = [path for path in package.files if path in paths or path[path.rfind("/") + 1 :] in names]
        if with_code:
            if package.owned_by and not package.files and package.type in _LANGUAGES:
                if not owners:
                    owners = {one.name: one.files for one in packages if one.type in DISTRIBUTION_TYPES}
                files += filter(is_code, owners.get(package.owned_by, ()))
            files += filter(is_code, package.files)
        if package.files or files:
            package = replace(package, files=tuple(dict.fromkeys(files)))
        yield package


def _owner(place: str, owners: Mapping[str, Package], tree: "MergedTree") -> tuple[str, Package | None]:
    """The file that ``place`` is or lies in, and who lists it."""
    if path := file_at(place, owners):
        return path, owners[path]
    # Databases written before /lib and /bin became links still name files by the old place.
    old = file_at(place.removeprefix("usr/"), owners) if place.startswith("usr/") else ""
    if old and tree.resolve(old) == f"usr/{old}":
        return f"usr/{old}", owners[old]
    return place, None
