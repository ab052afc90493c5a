"""Packages that apk installed, in Alpine, Wolfi and Chainguard images.

Format: one paragraph per package, one ``LETTER:value`` per line; ``F:`` opens a folder and each ``R:``
after it is a file in it (https://wiki.alpinelinux.org/wiki/Apk_spec#Installed_Database_V2).
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from leadline.model.package import Digest, Package
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.identity.distro import distro_qualifiers
from leadline.sbom.licences.expressions import spdx, spdx_all
from leadline.sbom.parsers.capabilities import required_packages

DATABASES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")

_OPERATORS = late_pattern(r"[<>=~]")
_EXPRESSION = late_pattern(r"\s(?:and|or|with)\s|[()]", re.IGNORECASE)
_ALGORITHMS = {"Q1": "sha1", "Q2": "sha256"}


class Paragraph(NamedTuple):
    fields: dict[str, str]
    files: tuple[str, ...]


@cataloguer("apk", paths=DATABASES)
def apk(database: File, tree: Tree) -> Packages:
    listed = list(_paragraphs(database.text))
    complete = [paragraph for paragraph in listed if paragraph.fields.get("P") and paragraph.fields.get("V")]
    provider = _providers(paragraph.fields for paragraph in complete)
    for paragraph in complete:
        yield _package(paragraph, provider, database, tree)
    if len(complete) < len(listed):
        missing = len(listed) - len(complete)
        raise Unreadable(f"{missing} of {len(listed)} packages have no name or no version")


def _paragraphs(text: str) -> Iterator[Paragraph]:
    fields: dict[str, str] = {}
    files: list[str] = []
    folder = ""
    for line in text.split("\n"):
        if not line.strip():
            if fields:
                yield Paragraph(fields, tuple(files))
            fields, files, folder = {}, [], ""
        elif line[1:2] == ":":
            letter, value = line[0], line[2:].strip()
            if letter == "F":
                folder = f"{value.strip('/')}/" if value.strip("/") else ""
            elif letter == "R":
                files.append(folder + value)
            else:
                fields.setdefault(letter, value)
        else:
            fields.setdefault("", line)
    if fields:
        yield Paragraph(fields, tuple(files))


def _providers(installed: Iterable[dict[str, str]]) -> dict[str, str]:
    """Package by its name and by each thing it provides (``so:…``, ``cmd:…``, ``pc:…``)."""
    provider: dict[str, str] = {}
    names = []
    for fields in installed:
        names.append(fields["P"])
        for provided in _names(fields.get("p", "")):
            provider.setdefault(provided, fields["P"])
    provider.update((name, name) for name in names)
    return provider


def _names(relation: str) -> list[str]:
    """``musl>=1.2 so:libz.so.1 !uclibc`` as ``[musl, so:libz.so.1]``: what conflicts is left out."""
    return [_OPERATORS.split(word, maxsplit=1)[0] for word in relation.split() if word[0] != "!"]


def _package(paragraph: Paragraph, provider: dict[str, str], database: File, tree: Tree) -> Package:
    fields = paragraph.fields
    name, version, origin = fields["P"], fields["V"], fields.get("o", "")
    upstream = (("upstream", origin),) if origin and origin != name else ()
    return Package(
        type="apk",
        name=name,
        version=version,
        namespace=tree.distro.id or "alpine",
        arch=fields.get("A", ""),
        source=origin if origin != name else "",
        source_version=version if upstream else "",
        licenses=_licences(fields.get("L", "")),
        found_in=(database.path,),
        qualifiers=upstream + distro_qualifiers(tree.distro),
        digests=_digests(fields.get("C", "")),
        supplier=fields.get("m", ""),
        home=fields.get("U", ""),
        description=fields.get("T", ""),
        depends=required_packages(_names(fields.get("D", "")), provider, itself=name),
        files=paragraph.files,
    )


def _licences(written: str) -> tuple[str, ...]:
    """One expression; before Alpine 3.9 a list of names, ``GPL2 MIT``."""
    if _EXPRESSION.search(written) or spdx(written) != " ".join(written.split()):
        return spdx_all((written,))
    names = spdx_all(written.split())
    # "BSD license" is one name in two words, not two names: only known names make a list.
    return names if all(spdx(name) == name and _is_spdx(name) for name in names) else spdx_all((written,))


def _is_spdx(name: str) -> bool:
    """Whether the name is known: an unknown one does not survive in an expression of its own."""
    return spdx(f"({name})") == name


def _digests(checksum: str) -> tuple[Digest, ...]:
    """``Q1`` and base 64: the SHA-1 of the package's control segment."""
    algorithm = _ALGORITHMS.get(checksum[:2])
    if algorithm is None:
        return ()
    try:
        value = base64.b64decode(checksum[2:], validate=True)
    except (binascii.Error, ValueError):
        return ()
    return (Digest(algorithm, value.hex()),)
