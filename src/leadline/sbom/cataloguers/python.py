"""Python packages that are installed: ``*.dist-info``, ``*.egg-info`` and zipped eggs; and those that programs carry in themselves.

The metadata is the text of mail headers
(https://packaging.python.org/en/latest/specifications/core-metadata/), the list of files is a CSV
(https://packaging.python.org/en/latest/specifications/recording-installed-packages/), the origin of what
came from no index is JSON (https://packaging.python.org/en/latest/specifications/direct-url/). A zipped application
(https://docs.python.org/3/library/zipapp.html) holds installed packages at any depth. Who copies packages into a program
lists them in ``vendor.txt`` (https://pip.pypa.io/en/stable/development/vendoring-policy/).
"""

from collections.abc import Iterator, Mapping, Sequence
from posixpath import join, normpath

from msgspec.structs import replace

from leadline.model.package import Package
from leadline.packages.documents import fields, read_headers, read_json, word
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.identity.address import public_address
from leadline.sbom.licences.expressions import is_spdx, spdx_all
from leadline.sbom.parsers.zip import Budget, ZipReader

FILES = 200_000
ZIPPED_BYTES = 64 << 20
ZIPPED_PACKAGES = 5_000
METADATA_BYTES = 4 << 20

_ZIPPED = late_pattern(r"(?:^|/)(?:[^/]+\.dist-info/METADATA|[^/]+\.egg-info/PKG-INFO|EGG-INFO/PKG-INFO)\Z")
_PINNED = late_pattern(
    r"\s*([A-Za-z0-9][\w.-]{0,100})(?:\[[^\]]{0,100}\])?\s*==\s*([A-Za-z0-9][\w.!+-]{0,60})"
)
_METADATA_PATHS = {
    "METADATA": (".dist-info", "DIST-INFO"),
    "PKG-INFO": (".egg-info", "EGG-INFO"),
}


@cataloguer(
    "python",
    names=tuple(_METADATA_PATHS),
    suffixes=(".egg-info",),
    beside=("RECORD", "direct_url.json", "installed-files.txt"),
)
def python(metadata: File, tree: Tree) -> Packages:
    endings = _METADATA_PATHS.get(metadata.name)
    if endings and not metadata.folder.endswith(endings):
        return
    # What follows the headers is the project's page, of any length.
    package = package_of(replace(metadata, data=metadata.data[:METADATA_BYTES]).text)
    if not package:
        raise Unreadable("has no name or no version")
    yield replace(
        package,
        qualifiers=tuple(_origin(tree.get(join(metadata.folder, "direct_url.json")))),
        files=tuple(_files(metadata, tree)),
    )


@cataloguer("python-egg", suffixes=(".egg",))
def python_egg(egg: File) -> Packages:
    yield from _archived(egg, "EGG-INFO/PKG-INFO")


@cataloguer("python-wheel", suffixes=(".whl",), lock=True)
def python_wheel(wheel: File) -> Packages:
    yield from _archived(wheel, ".dist-info/METADATA")


def _archived(archive: File, ending: str) -> Packages:
    """The package of an archive that Python imports from, or installs, as it is."""
    reader = ZipReader(archive.data)
    for entry in reader.entries():
        if entry.name.endswith(ending) and entry.name.count("/") == 1:
            content = reader.read(entry, METADATA_BYTES, Budget(METADATA_BYTES))
            package = package_of(content.decode("utf-8", "replace"))
            if package is None:
                raise Unreadable(f"{entry.name} has no name or no version")
            yield package
            if reader.wrong:
                raise Unreadable(f"{entry.name} does not have its checksum")
            return
    raise Unreadable(f"holds no {ending}")


@cataloguer("python-zipapp", suffixes=(".pyz", ".pex", ".pyzw"))
def python_zipapp(archive: File) -> Packages:
    reader, budget, count, unnamed = ZipReader(archive.data), Budget(ZIPPED_BYTES), 0, 0
    for entry in reader.entries():
        if not _ZIPPED.search(entry.name):
            continue
        count += 1
        if count > ZIPPED_PACKAGES:
            raise Unreadable(f"holds more than {ZIPPED_PACKAGES:,} packages")
        package = package_of(reader.read(entry, METADATA_BYTES, budget).decode("utf-8", "replace"))
        if package is None:
            unnamed += 1
        else:
            yield package
    if unnamed:
        raise Unreadable(f"{unnamed} of its packages have no name or no version")
    if not count:
        raise Unreadable("holds Python code without a list of its packages")


@cataloguer("python-vendored", names=("vendor.txt",))
def python_vendored(listing: File) -> Packages:
    if "/_vendor/" not in f"/{listing.path}" and "/vendor/" not in f"/{listing.path}":
        return
    for line in listing.text.splitlines()[:ZIPPED_PACKAGES]:
        found = _PINNED.match(line)
        if found:
            yield Package("pypi", found[1], found[2])


def package_of(text: str) -> Package | None:
    """The package that core metadata describes; ``None`` where it has no name or no version."""
    headers = read_headers(text)

    def first(*names: str) -> str:
        values = (value for name in names for value in headers.get(name, ()) if value)
        return next(values, "")

    name, version = first("name"), first("version")
    if not name or not version:
        return None
    return Package(
        "pypi",
        name,
        version,
        licenses=spdx_all(_licenses(headers)),
        supplier=first("author", "author-email", "maintainer", "maintainer-email"),
        home=first("home-page") or _project_page(headers),
        description=first("summary"),
        depends=tuple(_requirements(headers.get("requires-dist", ()))),
    )


def _licenses(headers: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The expression where there is one, else the free text, unless only the classifiers say it in so many words."""
    classifiers = (c.split(" :: ") for c in headers.get("classifier", ()))
    named = tuple(c[-1] for c in classifiers if c[0] == "License" and len(c) > 1 and c[-1] != "OSI Approved")
    for name in ("license-expression", "license"):
        values = tuple(v for v in headers.get(name, ()) if v and v.upper() != "UNKNOWN")
        if values:
            is_clearer = named and all(map(is_spdx, named)) and not any(map(is_spdx, values))
            return named if is_clearer else values
    return named


def _project_page(headers: Mapping[str, Sequence[str]]) -> str:
    pages: dict[str, str] = {}
    for value in headers.get("project-url", ()):
        label, _, address = value.partition(",")
        pages.setdefault(label.strip().lower(), address.strip())
    labels = ("homepage", "home", "source", "source code", "repository")
    return next((pages[label] for label in labels if label in pages), "")


def _requirements(requirements: Sequence[str]) -> Iterator[str]:
    """Names of what is always needed: requirements of extras are left out."""
    for requirement in requirements:
        specifier, _, marker = requirement.partition(";")
        if "extra ==" in marker or "extra==" in marker:
            continue
        name = specifier.strip()
        for end, character in enumerate(name):
            if not (character.isalnum() or character in "-_."):
                name = name[:end]
                break
        if name:
            yield name


def _origin(direct_url: File | None) -> Iterator[tuple[str, str]]:
    """The purl qualifier for a package that was installed from a repository or an archive."""
    origin = fields(read_json(direct_url)) if direct_url else {}
    address, vcs = public_address(word(origin.get("url"))), fields(origin.get("vcs_info"))
    if address and vcs:
        commit = word(vcs.get("commit_id"))
        yield "vcs_url", f"{word(vcs.get('vcs'))}+{address}" + (f"@{commit}" if commit else "")
    elif address and not address.startswith("file:"):
        yield "download_url", address


def _files(metadata: File, tree: Tree) -> Iterator[str]:
    """Paths in the tree, from RECORD of a wheel or from installed-files.txt of an egg."""
    site, rows = metadata.folder.rpartition("/")[0], tree.get(join(metadata.folder, "RECORD"))
    if rows is None:
        rows = tree.get(join(metadata.folder, "installed-files.txt"))
        site = metadata.folder
    for number, row in enumerate(rows.text.split("\n") if rows else ()):
        if number >= FILES:
            raise Unreadable(f"{rows.path if rows else ''} lists more than {FILES} files")
        path = row[1:].partition('"')[0] if row.startswith('"') else row.split(",", 1)[0]
        path = path.strip()
        if not path:
            continue
        path = normpath(join("/", site, path)).lstrip("/") if ".." in path else join(site, path).lstrip("/")
        yield path
