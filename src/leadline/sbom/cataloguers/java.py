"""Java archives: each is itself a package, and may hold others, shaded into it or as archives of their own.

A package inside an archive is found in the outer file and, second, at ``outer.war:WEB-INF/lib/inner.jar``.
"""

import hashlib
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.package import Digest, Package
from leadline.packages.documents import read_xml
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.documents.carried import LARGEST_BYTES, carried_packages
from leadline.sbom.licences.expressions import any_of, clearest, is_spdx, licences_in
from leadline.sbom.parsers.jar import (
    Coordinates,
    bundle_licences,
    coordinates_in_pom,
    coordinates_in_properties,
    manifest_attributes,
    named_by,
    split_file_name,
)
from leadline.sbom.parsers.zip import Budget, ZipEntry, ZipReader

SUFFIXES = (".jar", ".war", ".ear", ".par", ".sar", ".nar", ".jpi", ".hpi", ".kar", ".lpkg")
NESTED_DEPTH = 8
NESTED_BYTES = 256 << 20
MOST_COMPLAINTS = 3
INFLATED_BYTES = 1 << 30
TEXT_BYTES = 1 << 20
COORDINATES = 5_000
LICENSE_TEXTS_READ = 4
SBOM_FOLDER = "META-INF/sbom/"
SBOMS_READ = 8
LICENSE_TEXTS = ("META-INF/LICENSE", "META-INF/LICENCE", "LICENSE", "LICENCE")


class _Archive(Struct):
    """One archive while it is read: where it is, and what the outer file has left to spend."""

    file: File
    place: str
    depth: int
    content: bytes
    budget: Budget
    complaints: "_Complaints"

    @property
    def found_in(self) -> tuple[str, ...]:
        return (self.file.path, self.place) if self.depth else (self.file.path,)

    @property
    def digests(self) -> tuple[Digest, ...]:
        if not self.file.with_sums:
            return ()
        return (Digest("sha1", hashlib.sha1(self.content, usedforsecurity=False).hexdigest()),)


class _Inside(Struct):
    """The entries of an archive that describe packages."""

    manifest: ZipEntry | None = None
    properties: dict[str, ZipEntry] = {}
    poms: dict[str, ZipEntry] = {}
    texts: list[ZipEntry] = []
    """Of licences."""
    sboms: list[ZipEntry] = []
    nested: list[ZipEntry] = []


class _Complaints:
    """What was wrong within one archive: the first few in words, since there may be one for each of its entries."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self._more = 0

    def add(self, text: str) -> None:
        if len(self.first) < MOST_COMPLAINTS:
            self.first.append(text)
        else:
            self._more += 1

    def __str__(self) -> str:
        return "; ".join(self.first) + (f" and {self._more} more" if self._more else "")


@cataloguer("java", suffixes=SUFFIXES, version=10)
def java(archive: File) -> Packages:
    complaints = _Complaints()
    yield from _packages(_Archive(archive, archive.path, 0, archive.data, Budget(INFLATED_BYTES), complaints))
    if complaints.first:
        raise Unreadable(str(complaints))


def _packages(archive: _Archive) -> Packages:
    inside = _Inside()
    try:
        reader = ZipReader(archive.content)
    except Unreadable as error:
        _complain(archive, error)
        return
    try:
        _look_inside(reader, inside)
    except Unreadable as error:
        _complain(archive, error)
    own = list(_own_packages(archive, reader, inside))
    yield from own
    for entry in inside.sboms[:SBOMS_READ]:
        yield from _carried_packages(archive, reader, entry)
    if len(inside.sboms) > SBOMS_READ:
        left = len(inside.sboms) - SBOMS_READ
        _complain(archive, Unreadable(f"{left:,} more documents in {SBOM_FOLDER} were not read"))
    if not own and reader.has_passed and not inside.nested:
        _complain(archive, Unreadable("holds classes, and nothing that says of which version"))
    for entry in inside.nested:
        yield from _nested_packages(archive, reader, entry)
    for name in reader.wrong:
        _complain(archive, Unreadable(f"{name} does not have its checksum"))


def _carried_packages(archive: _Archive, reader: ZipReader, entry: ZipEntry) -> Packages:
    """What a document says that a build packed, as Spring Boot and the plugins of CycloneDX do."""
    try:
        for package in carried_packages(reader.read(entry, LARGEST_BYTES, archive.budget)):
            yield replace(package, found_in=archive.found_in)
    except Unreadable as error:
        _complain(archive, Unreadable(f"{entry.name}: {error}"))


def _complain(archive: _Archive, error: Unreadable) -> None:
    archive.complaints.add(f"{archive.place}: {error}" if archive.depth else str(error))


def _nested_packages(archive: _Archive, reader: ZipReader, entry: ZipEntry) -> Packages:
    place = f"{archive.place}:{entry.name}"
    if archive.depth >= NESTED_DEPTH:
        archive.complaints.add(f"{entry.name} lies more than {NESTED_DEPTH} archives deep")
        return
    try:
        content = reader.read(entry, NESTED_BYTES, archive.budget)
    except Unreadable as error:
        archive.complaints.add(f"{archive.place}: {error}")
        return
    yield from _packages(
        _Archive(archive.file, place, archive.depth + 1, content, archive.budget, archive.complaints)
    )


def _look_inside(reader: ZipReader, inside: _Inside) -> None:
    """Fills ``inside``, which keeps what was found where the list of files breaks off."""
    for entry in reader.entries(passing=b".class"):
        name = entry.name
        if name.endswith(SUFFIXES):
            inside.nested.append(entry)
        elif name.startswith("META-INF/maven/") and name.endswith("/pom.properties"):
            inside.properties[name.removesuffix("/pom.properties")] = entry
        elif name.startswith("META-INF/maven/") and name.endswith("/pom.xml"):
            inside.poms[name.removesuffix("/pom.xml")] = entry
        elif name.upper() == "META-INF/MANIFEST.MF":
            inside.manifest = entry
        elif name.startswith(SBOM_FOLDER) and name.endswith((".json", ".xml")):
            inside.sboms.append(entry)
        elif name.upper().removesuffix(".TXT").removesuffix(".MD") in LICENSE_TEXTS:
            inside.texts.append(entry)
        if len(inside.properties) + len(inside.poms) > COORDINATES:
            raise Unreadable(f"holds the coordinates of more than {COORDINATES} artifacts")


def _own_packages(archive: _Archive, reader: ZipReader, inside: _Inside) -> Packages:
    """The archive itself first, then what was shaded into it."""
    packed = dict(_packed_coordinates(archive, reader, inside))
    attributes = _attributes(archive, reader, inside.manifest)
    file_name = archive.place.rpartition(":")[2].rpartition("/")[2]
    stated = named_by(attributes, archive.place)
    says_so = _is_called(attributes, stated.artifact)
    folder = _main_folder(packed, file_name, stated.version if says_so else "")
    main = packed.pop(folder) if folder else stated
    licenses = any_of(_pom_licenses(archive, reader, inside.poms.get(folder)))
    licenses = licenses or _bundle_licenses(attributes.get("Bundle-License", ""))
    if main.artifact and main.version:
        yield _main_package(
            archive, main, attributes, licenses or _text_licenses(archive, reader, inside.texts)
        )
    for shaded in dict.fromkeys(packed.values()):
        if shaded != main:
            yield Package(
                "maven",
                shaded.artifact,
                shaded.version,
                namespace=shaded.group,
                found_in=archive.found_in,
            )


def _main_package(
    archive: _Archive, main: Coordinates, attributes: dict[str, str], licenses: tuple[str, ...]
) -> Package:
    """What the archive itself is."""
    return Package(
        "maven",
        main.artifact,
        main.version,
        namespace=main.group,
        licenses=licenses,
        found_in=archive.found_in,
        digests=archive.digests,
        supplier=attributes.get("Implementation-Vendor", "") or attributes.get("Bundle-Vendor", ""),
        home=attributes.get("Bundle-DocURL", "") or attributes.get("Implementation-URL", ""),
        description=attributes.get("Bundle-Description", ""),
    )


def _attributes(archive: _Archive, reader: ZipReader, manifest: ZipEntry | None) -> dict[str, str]:
    if not manifest:
        return {}
    try:
        content = reader.read(manifest, TEXT_BYTES, archive.budget)
    except Unreadable as error:
        _complain(archive, error)
        return {}
    return manifest_attributes(content.decode("utf-8", "replace"))


def _packed_coordinates(
    archive: _Archive, reader: ZipReader, inside: _Inside
) -> Iterator[tuple[str, Coordinates]]:
    """Folder and coordinates of every artifact below ``META-INF/maven``."""
    for folder in sorted(inside.properties.keys() | inside.poms.keys()):
        found = Coordinates("", "", "")
        try:
            if folder in inside.properties:
                content = reader.read(inside.properties[folder], TEXT_BYTES, archive.budget)
                found = coordinates_in_properties(content.decode("utf-8", "replace"))
            if folder in inside.poms and not all((found.group, found.artifact, found.version)):
                content = reader.read(inside.poms[folder], TEXT_BYTES, archive.budget)
                found = coordinates_in_pom(read_xml(content))
        except Unreadable as error:
            archive.complaints.add(f"{archive.place}: {error}")
        if found.artifact and found.version:
            yield folder, found


def _is_called(attributes: dict[str, str], stem: str) -> bool:
    """Whether the manifest knows the archive by the name of its file."""
    names = (
        attributes.get(key, "") for key in ("Bundle-Name", "Implementation-Title", "Automatic-Module-Name")
    )
    return any(name.rpartition(".")[2].lower() == stem.lower() for name in names if name)


def _main_folder(packed: dict[str, Coordinates], file_name: str, stated_version: str) -> str:
    """The folder of the artifact that the archive is itself; empty where none is.

    Its name begins the file's name; a lone one is the archive whatever the file is called, unless the manifest
    names the archive as the file is called, and with another version (``stated_version``): some builds leave
    only the coordinates of what they shade.
    """
    stem = split_file_name(file_name)[0]
    full = file_name.rpartition(".")[0]
    fitting = [
        folder
        for folder, found in packed.items()
        if stem in (found.artifact, f"{found.group}.{found.artifact}")
        or full == found.artifact
        or full.startswith(found.artifact + "-")
    ]
    if fitting:
        return max(fitting, key=lambda folder: len(packed[folder].artifact))
    if len(packed) != 1:
        return ""
    folder, lone = next(iter(packed.items()))
    is_same = stated_version.startswith(lone.version) or lone.version.startswith(stated_version)
    return folder if is_same else ""


def _pom_licenses(archive: _Archive, reader: ZipReader, pom: ZipEntry | None) -> tuple[str, ...]:
    if not pom:
        return ()
    try:
        project = read_xml(reader.read(pom, TEXT_BYTES, archive.budget), only="licenses")
    except Unreadable as error:
        archive.complaints.add(f"{archive.place}: {pom.name}: {error}")
        return ()
    licenses = project.child("licenses").children
    return tuple(clearest((license.value("name"), license.value("url"))) for license in licenses)


def _bundle_licenses(header: str) -> tuple[str, ...]:
    """Many write one name with a comma in it, so a list counts as one only where all of it makes sense."""
    names = bundle_licences(header)
    return any_of(
        names if len(names) == 1 or (all(map(is_spdx, names)) and not is_spdx(header)) else (header,)
    )


def _text_licenses(archive: _Archive, reader: ZipReader, texts: list[ZipEntry]) -> tuple[str, ...]:
    """Known by their wording, from the first text that is known: builds pack the same one at several places."""
    for entry in texts[:LICENSE_TEXTS_READ]:
        try:
            content = reader.read(entry, TEXT_BYTES, archive.budget)
        except Unreadable as error:
            _complain(archive, error)
            continue
        if found := licences_in(content.decode("utf-8", "replace")):
            return found
    return ()
