"""Packages that dpkg installed, in Debian, Ubuntu and what is made of them.

Format: paragraphs of ``Field: value`` lines (https://www.debian.org/doc/debian-policy/ch-controlfields.html)
in ``var/lib/dpkg/status``, or one file per package in ``status.d`` where an image was put together without
dpkg (distroless). The files of a package are in ``info/NAME.list`` or beside it in ``NAME.md5sums``,
its licences in ``usr/share/doc/NAME/copyright``.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from leadline.model.package import Package
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.identity.distro import distro_qualifiers
from leadline.sbom.licences.expressions import licences_in, spdx_all
from leadline.sbom.parsers.capabilities import required_packages

STATUS = "var/lib/dpkg/status"
STATUS_FOLDER = "var/lib/dpkg/status.d"

STATUS_BYTES = 64 << 20
"""Of the whole database; that of a large desktop has 8 MiB."""
PARAGRAPH_BYTES = 4 << 20
"""Of a file in the folder, which describes one package."""
STATES = frozenset(
    {
        "not-installed",
        "config-files",
        "half-installed",
        "unpacked",
        "half-configured",
        "triggers-awaited",
        "triggers-pending",
        "installed",
    }
)
UNPACKED = frozenset({"installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending"})
"""The states in which the files of a package are on the disk (https://man7.org/linux/man-pages/man1/dpkg.1.html)."""

COPYRIGHT_LIMIT = 1 << 20
"""Bytes of a copyright file that are looked at; the longest in Debian have half of that."""
LICENCE_LIMIT = 200
"""Licences named per package, so that one file cannot fill the report."""
LONGEST_INDENT = 40
LONGEST_NAME_WORDS = 4
"""In a free text a longer ``License:`` line is prose."""

_PROSE = ("package", "version", "status", "source", "architecture", "maintainer", "homepage", "description")
_LISTS = ("depends", "pre-depends", "provides", "conffiles")
_FIELDS = late_pattern(
    rf"^({'|'.join(_PROSE)}|{'|'.join(_LISTS)}):[ \t]*(.*(?:\n[ \t].*)*)".encode(),
    re.IGNORECASE | re.MULTILINE,
)
_BLANK_LINES = late_pattern(rb"\n[ \t\r]*\n\s*")
_SOURCE = late_pattern(r"^\s*(\S+)(?:\s*\(([^)\s]+)\))?")
_ALTERNATIVES = late_pattern(r"[,|]")
_COMMON_LICENCE = late_pattern(rb"/usr/share/common-licenses/([A-Za-z][A-Za-z0-9.+-]*)")
_LICENCE_LINE = late_pattern(rb"Licen[sc]e[ \t]*:[ \t]*(\S.*)")
_MACHINE_READABLE = late_pattern(rb"^Format(?:-Specification)?:", re.IGNORECASE | re.MULTILINE)

Fields = dict[str, str]


@cataloguer(
    "dpkg",
    paths=(STATUS,),
    folders=(STATUS_FOLDER,),
    beside=("var/lib/dpkg/info/*.list", "var/lib/dpkg/info/*.md5sums", "copyright"),
)
def dpkg(database: File, tree: Tree) -> Packages:
    if database.path.endswith(
        (".md5sums", ".list", ".preinst", ".postinst", ".prerm", ".postrm", ".conffiles")
    ):
        return
    limit = STATUS_BYTES if database.path == STATUS else PARAGRAPH_BYTES
    if len(database.data) > limit:
        raise Unreadable(f"larger than {limit >> 20} MiB")
    whole = list(_paragraphs(database.data))
    listed = [fields for fields in whole if _is_unpacked(fields)]
    complete = [fields for fields in listed if fields.get("package") and fields.get("version")]
    provider = _providers(complete)
    for fields in complete:
        yield _package(fields, provider, database, tree)
    if not whole:
        raise Unreadable("holds no package paragraph")
    cut = [fields for fields in whole if _state(fields) not in STATES]
    if cut or not database.data.endswith(b"\n"):
        raise Unreadable("it ends in the middle of a package; what follows there is missing")
    if len(complete) < len(listed):
        missing = len(listed) - len(complete)
        raise Unreadable(f"{missing} of {len(listed)} installed packages have no name or no version")


def _paragraphs(content: bytes) -> Iterator[Fields]:
    """The wanted fields of every paragraph by lower-case name, first lines only of what is prose."""
    for paragraph in _BLANK_LINES.split(content.strip(b"\n")):
        if not paragraph.strip():
            continue
        fields: Fields = {}
        for name, value in _FIELDS.findall(paragraph):
            key = name.lower().decode()
            if key in _PROSE:
                value = value.partition(b"\n")[0]
            fields.setdefault(key, value.decode("utf-8", "replace").strip())
        yield fields


def _is_unpacked(fields: Fields) -> bool:
    return _state(fields) in UNPACKED


def _state(fields: Fields) -> str:
    """The last word of ``Status``. Distroless images write none; what they list is installed."""
    status = fields.get("status")
    return "installed" if status is None else status.rpartition(" ")[2]


def _providers(installed: Iterable[Fields]) -> dict[str, str]:
    """Package by its own name and by the virtual names it provides."""
    provider: dict[str, str] = {}
    for fields in installed:
        for virtual in _names(fields.get("provides", "")):
            provider.setdefault(virtual, fields["package"])
    provider.update((fields["package"], fields["package"]) for fields in installed)
    return provider


def _names(relation: str) -> list[str]:
    """``libc6 (>= 2.36), awk | mawk:any`` as ``[libc6, awk, mawk]``."""
    parts = (part.partition("(")[0].strip() for part in _ALTERNATIVES.split(relation))
    return [part.partition(":")[0] for part in parts if part]


def _package(fields: Fields, provider: dict[str, str], database: File, tree: Tree) -> Package:
    name, version = fields["package"], fields["version"]
    arch = fields.get("architecture", "")
    source = _SOURCE.match(fields.get("source", ""))
    source_name = source[1] if source else ""
    source_version = (source[2] or "") if source else ""
    upstream = f"{source_name}@{source_version}" if source_version else source_name
    listing, files = _owned_files(fields, database, tree)
    copyright_path = f"usr/share/doc/{name}/copyright"
    copyright_file = tree.get(copyright_path)
    wanted = _names(fields.get("depends", "") + "," + fields.get("pre-depends", ""))
    told_by = (database.path, listing, copyright_path if copyright_file else "")
    return Package(
        type="deb",
        name=name,
        version=version,
        namespace=tree.distro.id or "debian",
        arch=arch,
        source=source_name,
        source_version=source_version,
        licenses=_licences(copyright_file.data[:COPYRIGHT_LIMIT]) if copyright_file else (),
        found_in=tuple(filter(None, told_by)),
        qualifiers=((("upstream", upstream),) if upstream else ()) + distro_qualifiers(tree.distro),
        supplier=fields.get("maintainer", ""),
        home=fields.get("homepage", ""),
        description=fields.get("description", ""),
        depends=required_packages(wanted, provider, itself=name),
        files=files,
    )


def _owned_files(fields: Fields, database: File, tree: Tree) -> tuple[str, tuple[str, ...]]:
    """Path of the list and the files in it; folders, which many packages share, are left out."""
    name = fields["package"]
    if database.path == STATUS:
        stems = [f"var/lib/dpkg/info/{name}", f"var/lib/dpkg/info/{name}:{fields.get('architecture', '')}"]
    else:
        stems = [database.path, f"{database.folder}/{name}"]
    for stem in stems:
        if listing := tree.get(f"{stem}.list"):
            paths = ("\n" + listing.text.strip()).replace("\n/", "\n").split("\n")
            folders = {path.rpartition("/")[0] for path in paths}
            return listing.path, tuple(
                path for path in paths if path not in folders and path not in ("", ".")
            )
    # Only what status.d holds is kept in this form; info/ has both, and the list is the whole one.
    for stem in stems:
        if sums := tree.get(f"{stem}.md5sums"):
            lines = (line.partition(" ")[2].strip() for line in sums.text.splitlines())
            paths = [line.removeprefix("./").lstrip("/") for line in lines if line]
            return sums.path, tuple(dict.fromkeys([*paths, *_conffiles(fields)]))
    return "", _conffiles(fields)


def _conffiles(fields: Fields) -> tuple[str, ...]:
    """Files for the administrator to change, of which no sums are kept: each a path and a sum, perhaps a word."""
    words = fields.get("conffiles", "").split()
    return tuple(word.lstrip("/") for word in words if word.startswith("/"))


def _licences(copyright_text: bytes) -> tuple[str, ...]:
    """Licences a copyright file names, in order of their first mention.

    Machine-readable files (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/) name them in
    ``License`` fields. Free texts point at the shared texts of the common licences, or have such a line as well,
    or are nothing but the licence itself.
    """
    head = copyright_text[:2000]
    named = [
        match[1].strip().decode("utf-8", "replace")
        for match in _LICENCE_LINE.finditer(copyright_text)
        if _begins_line(copyright_text, match.start())
    ]
    if not _MACHINE_READABLE.search(head):
        common = [name.decode().rstrip(".-") for name in _COMMON_LICENCE.findall(copyright_text)]
        named = [name for name in named if len(name.split()) <= LONGEST_NAME_WORDS] + common
    return spdx_all(islice(dict.fromkeys(named), LICENCE_LIMIT)) or licences_in(
        copyright_text.decode("utf-8", "replace")
    )


def _begins_line(text: bytes, at: int) -> bool:
    """Looking back from the few places where the word is is far faster than looking at every line."""
    start = max(0, at - LONGEST_INDENT)
    newline = text.rfind(b"\n", start, at)
    return (newline >= 0 or start == 0) and not text[newline + 1 : at].strip()
