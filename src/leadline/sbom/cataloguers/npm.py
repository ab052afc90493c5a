"""JavaScript packages that are installed: the ``package.json`` of each, in a folder or in the archives that Yarn runs programs from.

https://docs.npmjs.com/cli/v10/configuring-npm/package-json, https://yarnpkg.com/features/pnp
"""

from collections.abc import Iterator
from posixpath import normpath

from leadline.model.package import Package
from leadline.packages.documents import entries, fields, read_json, whole_name, word
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.licences.expressions import any_of, clearest
from leadline.sbom.parsers.zip import Budget, ZipReader

MANIFEST_BYTES = 4 << 20
_LOCATION = late_pattern(r"packageLocation\"?:\s*(?:path\.resolve\(__dirname, *)?\"([^\"\\\n]+)\"")
_VIRTUAL = late_pattern(r"/(?:__virtual__|\$\$virtual)/[^/]+/(\d{1,2})/")
_ZIPPED = late_pattern(r"(?:^|/)node_modules/(?:@[^/]+/)?[^/]+/package\.json\Z")


@cataloguer("npm", names=("package.json",), version=2)
def npm(manifest: File) -> Packages:
    yield from _of_manifest(manifest)


@cataloguer("yarn-cache", folders=("*/.yarn/cache", "*/berry/cache"))
def yarn_cache(archive: File) -> Packages:
    if not archive.name.endswith(".zip"):
        return
    reader = ZipReader(archive.data)
    for entry in reader.entries():
        if _ZIPPED.search(entry.name) and entry.name.count("node_modules/") == 1:
            content = reader.read(entry, MANIFEST_BYTES, Budget(MANIFEST_BYTES))
            yield from _of_manifest(File(archive.path, content, archive.mode))
            return
    raise Unreadable("holds no package.json of a package")


@cataloguer("yarn-pnp", names=(".pnp.cjs", ".pnp.js", ".pnp.data.json"))
def yarn_pnp(table: File, tree: Tree) -> Packages:
    """None by itself: the archives that it names are read. Those that are not there are named."""
    missing = {
        place for place in map(_real, _LOCATION.findall(table.text)) if not _is_there(place, table, tree)
    }
    if missing:
        first = next(iter(sorted(missing)))
        raise Unreadable(
            f"packages that it names and that are not in the image: {len(missing)}, such as {first[:200]}"
        )
    yield from ()


def _real(place: str) -> str:
    """A package with other peers has a place of its own, ``__virtual__/HASH/DEPTH``, which leads back up by DEPTH folders."""
    match = _VIRTUAL.search(place)
    if match is None:
        return place
    return f"{place[: match.start()]}/{'../' * int(match[1])}{place[match.end() :]}"


def _is_there(place: str, table: File, tree: Tree) -> bool:
    if "node_modules/" not in place:
        return True
    stored = place.partition(".zip/")[0] + ".zip" if ".zip/" in place else place
    path = normpath(f"/{table.folder}/{stored}").lstrip("/")
    return tree.exists(path)


def _of_manifest(manifest: File) -> Packages:
    found = read_json(manifest)
    if not isinstance(found, dict):
        raise Unreadable("holds no object")
    name, version = whole_name(found.get("name")), word(found.get("version"))
    if not name or not version:
        return  # allowed for what is never published, and used to mark a folder as a module
    namespace, _, base_name = name.rpartition("/")
    is_extension = "vscode" in fields(found.get("engines"))
    yield Package(
        # Extensions of editors have the same manifest and names of their own: one is called npm.
        "vscode-extension" if is_extension else "npm",
        base_name,
        version,
        namespace=whole_name(found.get("publisher")) if is_extension else namespace,
        licenses=any_of(_licenses(found.get("license"))) or any_of(_licenses(found.get("licenses"))),
        supplier=_person(found.get("author")),
        home=word(found.get("homepage")),
        description=word(found.get("description")),
        depends=tuple(fields(found.get("dependencies"))),
    )


def _licenses(value: object) -> Iterator[str]:
    """From every shape in use: ``"MIT"``, ``{"type": "MIT", "url": …}`` and lists of both, which are choices."""
    for entry in entries(value) or (value,):
        given = fields(entry)
        yield word(entry) or clearest(word(given.get(key)) for key in ("type", "name", "url"))


def _person(value: object) -> str:
    """``"Ann <ann@example.org> (page)"``, or the same as an object."""
    person = fields(value)
    if not person:
        return word(value)
    name, mail = word(person.get("name")), word(person.get("email"))
    return f"{name} <{mail}>".strip() if mail else name
