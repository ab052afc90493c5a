"""Calls cataloguers on files and gathers what they find, their failures included."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct, structs

from leadline.log import log_of
from leadline.model.package import Package
from leadline.model.unread import Unread
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Cataloguer, Tree
from leadline.sbom.image import DEFAULTS
from leadline.sbom.layers.file_selector import FileSelector
from leadline.sbom.parsers.executable import is_executable

_LOGGER = "leadline.sbom.cataloguer"


class Reading(Struct, frozen=True):
    """What cataloguers found."""

    packages: tuple[Package, ...] = ()
    unread: tuple[Unread, ...] = ()


class FileTree(Tree, Protocol):
    """A tree whose kept files can be gone through."""

    def kept(self) -> Iterable[File]:
        """Every kept file, by path."""


def catalogue(
    tree: FileTree, cataloguers: Sequence[Cataloguer], most: int = DEFAULTS.limits.packages
) -> Reading:
    """The packages that ``cataloguers`` find in the kept files of ``tree``, in the order of their paths; at most ``most``."""
    selector = FileSelector(cataloguers)
    found: list[Reading] = []
    for file in tree.kept():
        interest = selector.of(file.path)
        readers = interest.readers if interest else ()
        if selector.executables and is_executable(file.data):
            readers = tuple(sorted({*readers, *selector.executables}))
        for reader in readers:
            found.append(read(selector.cataloguers[reader], file, tree, most))
            most -= len(found[-1].packages)
    return together(found)


def read(cataloguer: Cataloguer, file: File, tree: Tree | None, most: int) -> Reading:
    """What one cataloguer finds in one file; ``tree`` may be ``None`` for those that do not take it.

    There is room for ``most`` packages more.
    """
    packages: list[Package] = []
    unread: tuple[Unread, ...] = ()
    try:
        for package in packages_from(cataloguer, file, tree):
            if len(packages) >= most:
                raise Unreadable("the image has more packages than there is room for")
            packages.append(package)
    except Unreadable as error:
        unread = (Unread(file.path, f"{cataloguer.name}: {error}", "malformed"),)
    except Exception as error:
        # The engine's guard: a bug in one cataloguer must not cost the packages of all others.
        log_of(_LOGGER).exception("cataloguer %s failed on %s", cataloguer.name, file.path)
        why = f"a fault in the cataloguer {cataloguer.name} ({type(error).__name__})"
        unread = (Unread(file.path, why, "fault", hint="please report it; --debug shows the details"),)
    return Reading(tuple(_placed(package, cataloguer, file) for package in packages), unread)


def packages_from(cataloguer: Cataloguer, file: File, tree: Tree | None) -> Iterator[Package]:
    """Every package that can be looked up: it has a name and, unless its notation may leave that out, a version.

    Raises:
        Unreadable: at the end where some had none, in addition to what the cataloguer raises itself.
    """
    incomplete, why = 0, ""
    try:
        for package in cataloguer.read(file, tree) if cataloguer.takes_tree else cataloguer.read(file):
            if package.name.strip(" /") and (package.version.strip() or cataloguer.may_lack_version):
                yield package
            else:
                incomplete += 1
    except Unreadable as error:
        why = str(error)
    if incomplete:
        has = "1 package has" if incomplete == 1 else f"{incomplete:,} packages have"
        why = "; ".join(filter(None, (why, f"{has} no name or no version")))
    if why:
        raise Unreadable(why)


def together(readings: Iterable[Reading]) -> Reading:
    """All of ``readings`` in one, in order."""
    packages: list[Package] = []
    unread: list[Unread] = []
    for reading in readings:
        packages += reading.packages
        unread += reading.unread
    return Reading(tuple(packages), tuple(unread))


def _placed(package: Package, cataloguer: Cataloguer, file: File) -> Package:
    if package.found_in and package.found_by and package.layer:
        return package
    return structs.replace(
        package,
        found_in=package.found_in or (file.path,),
        found_by=package.found_by or cataloguer.name,
        layer=package.layer or file.layer,
    )
