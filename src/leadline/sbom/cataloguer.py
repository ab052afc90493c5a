"""All that a cataloguer file imports.

A cataloguer says which files it wants: ``paths`` exactly, ``names`` by base name (``a*.txt``: one that
begins and ends so), ``suffixes`` by ending, ``folders`` everything directly below a folder (``*/name``: of that name, anywhere), ``executables`` every ELF, PE and Mach-O
file, of which ``programs`` are those that it knows by name. What all ask for is compiled into tables and the tree is walked once.

``read(file)`` runs while the layer streams by and its file is let go at once; ``read(file, tree)`` runs
when all layers are merged, and its files are kept until then. So ask for the tree only where another
file is needed, and keep large files out of it. ``tree.get`` serves the files that readers with
a tree ask for and those ``beside`` them; executables are read without a tree.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from msgspec import Struct

from leadline.model.package import Distro, Package
from leadline.packages.file import File

Packages = Iterator[Package]


class Tree(Protocol):
    """The merged files of an image, as far as any cataloguer asked for them."""

    distro: Distro

    def get(self, path: str) -> File | None:
        """The file at ``path``, links followed within the tree; ``None`` where there is none or nothing asked for it."""

    def below(self, folder: str) -> Iterator[File]:
        """Every kept file at any depth below ``folder``, by path."""

    def exists(self, path: str) -> bool:
        """Whether the image has anything at ``path``, kept or not."""


class Cataloguer(Struct, frozen=True):
    """One reader of package facts. Made by ``@cataloguer``."""

    name: str
    read: Callable[..., Packages]
    paths: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    executables: bool = False
    programs: str = ""
    """Regular expression for whole base names of executables. Large ones are summed as they go by, since a distribution may list them."""
    beside: tuple[str, ...] = ()
    """Base names, endings (``*.list``, ``var/lib/dpkg/info/*.list``) or paths kept for ``tree.get`` and ``tree.below`` but not read on their own."""
    takes_tree: bool = False
    version: int = 1
    """Raised with every change of what it finds, so that cached layers are read again."""
    lock: bool = False
    """Reads what a project declares, not what is installed: meant for folders of sources, noise in an image."""
    may_lack_version: bool = False
    """Its notation may leave a version to be given elsewhere; from all others a package without one is incomplete."""


def cataloguer(
    name: str,
    *,
    paths: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
    suffixes: tuple[str, ...] = (),
    folders: tuple[str, ...] = (),
    executables: bool = False,
    programs: str = "",
    beside: tuple[str, ...] = (),
    version: int = 1,
    lock: bool = False,
    may_lack_version: bool = False,
) -> Callable[[Callable[..., Packages]], Cataloguer]:
    """Makes a ``Cataloguer`` of ``read(file)`` or ``read(file, tree)``."""

    def make(read: Callable[..., Packages]) -> Cataloguer:
        takes_tree = read.__code__.co_argcount > 1
        if takes_tree and executables:
            raise TypeError(f"{name}: executables are not kept until there is a tree")
        return Cataloguer(
            name=name,
            read=read,
            paths=paths,
            names=names,
            suffixes=suffixes,
            folders=folders,
            executables=executables,
            programs=programs,
            beside=beside,
            takes_tree=takes_tree,
            version=version,
            lock=lock,
            may_lack_version=may_lack_version,
        )

    return make
