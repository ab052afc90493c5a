"""Packages that pacman installed, in Arch Linux and its kin.

Format: a folder per package with a file ``desc`` of ``%FIELD%`` lines, each followed by its values and an
empty line, and a file ``files`` of the same form (https://man.archlinux.org/man/alpm-local-desc.5).
"""

from collections.abc import Iterable

from leadline.model.package import Digest, Package
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.identity.distro import distro_qualifiers
from leadline.sbom.licences.expressions import spdx_all
from leadline.sbom.parsers.capabilities import required_packages

_PATH = late_pattern(r"var/lib/pacman/local/[^/]+/desc")
_OPERATORS = late_pattern(r"[<>=:]")


@cataloguer("pacman", names=("desc",), beside=("files", "mtree"), version=2)
def pacman(description: File, tree: Tree) -> Packages:
    if not _PATH.fullmatch(description.path):
        return
    fields = _fields(description.text)
    name, version = _first(fields, "NAME"), _first(fields, "VERSION")
    if not name or not version:
        raise Unreadable("a package without a name or version")
    listing = tree.get(f"{description.folder}/files")
    origin = _first(fields, "BASE")
    upstream = (("upstream", origin),) if origin and origin != name else ()
    sha256 = _first(fields, "SHA256SUM")
    yield Package(
        type="alpm",
        name=name,
        version=version,
        namespace=tree.distro.id or "arch",
        arch=_first(fields, "ARCH"),
        source=origin if origin != name else "",
        source_version=version if upstream else "",
        licenses=spdx_all(fields.get("LICENSE", ())),
        found_in=(description.path, listing.path) if listing else (description.path,),
        qualifiers=upstream + distro_qualifiers(tree.distro),
        digests=(Digest("sha256", sha256),) if sha256 else (),
        supplier=_first(fields, "PACKAGER"),
        home=_first(fields, "URL"),
        description=_first(fields, "DESC"),
        depends=required_packages(_names(fields.get("DEPENDS", ())), {}, itself=name),
        files=tuple(path for path in _fields(listing.text).get("FILES", ()) if path[-1] != "/")
        if listing
        else (),
    )


def _fields(text: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    values: list[str] | None = None
    for line in map(str.strip, text.split("\n")):
        if values is None and len(line) > 2 and line[0] == line[-1] == "%":
            values = fields.setdefault(line[1:-1], [])
        elif not line:
            values = None
        elif values is not None:
            values.append(line)
    return fields


def _first(fields: dict[str, list[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _names(relations: Iterable[str]) -> list[str]:
    """``glibc>=2.39`` as ``glibc``, ``perl: for scripts`` as ``perl``."""
    return [_OPERATORS.split(relation, maxsplit=1)[0].strip() for relation in relations]
