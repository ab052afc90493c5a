"""C and C++ packages of Conan: ``conaninfo.txt`` of what is installed, ``conan.lock`` and ``conanfile.txt`` of projects.

A reference is ``name/version@user/channel#revision%time:package``; all behind the version may be missing
(https://docs.conan.io/2/reference/conanfile/attributes.html).
"""

from collections.abc import Iterator

from leadline.model.package import Package
from leadline.packages.documents import fields, read_json, whole, word, words
from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer

FILE_BYTES = 4 << 20

_REFERENCE = late_pattern(
    r"(?P<name>[\w.+-]+)/(?P<version>[^@#%:\s\[]+)(?:@(?P<user>[\w.+-]*)/(?P<channel>[\w.+-]*))?"
)
_CACHE = late_pattern(r"\.conan/data/([^/]+)/([^/]+)/([^/]+)/([^/]+)/package/")


@cataloguer("conan", names=("conaninfo.txt",))
def conan(facts: File) -> Packages:
    """The package that the folder is named for, then those it was built with."""
    folder = _CACHE.search(f"/{facts.path}")
    if folder:
        name, version, user, channel = ("" if part == "_" else part for part in folder.groups())
        yield from _package(f"{name}/{version}@{user}/{channel}", is_dev=False)
    sections = dict(_sections(facts))
    for reference in sections.get("full_requires") or sections.get("requires") or ():
        yield from _package(reference, is_dev=False)


@cataloguer("conan-lock", names=("conan.lock",), lock=True)
def conan_lock(lock: File) -> Packages:
    found = whole(read_json(lock))
    for key in ("requires", "build_requires", "python_requires"):
        for reference in words(found.get(key)):
            yield from _package(reference, is_dev=key != "requires")
    for node in fields(fields(found.get("graph_lock")).get("nodes")).values():
        is_dev = word(fields(node).get("context")) == "build"
        yield from _package(word(fields(node).get("ref")) or word(fields(node).get("pref")), is_dev)


@cataloguer("conan-file", names=("conanfile.txt",), lock=True)
def conan_file(conanfile: File) -> Packages:
    for section, lines in _sections(conanfile):
        for reference in lines if section in ("requires", "build_requires", "tool_requires") else ():
            yield from _package(reference, is_dev=section != "requires")


def _package(reference: str, is_dev: bool) -> Packages:
    """Nothing for a range of versions, ``zlib/[>=1.2]``."""
    found = _REFERENCE.match(reference[:1000])
    if found:
        channel = found["channel"] or ""
        qualifiers = (("channel", channel),) if channel else ()
        user = found["user"] or ""
        yield Package(
            "conan", found["name"], found["version"], namespace=user, qualifiers=qualifiers, is_dev=is_dev
        )


def _sections(file: File) -> Iterator[tuple[str, list[str]]]:
    if len(file.data) > FILE_BYTES:
        raise Unreadable(f"larger than {FILE_BYTES >> 20} MiB")
    if "\0" in file.text[:1024]:
        raise Unreadable("is not text")
    section, lines = "", list[str]()
    for line in file.text.split("\n"):
        line = line.partition(" #")[0].strip()
        if line.startswith("[") and line.endswith("]"):
            yield section, lines
            section, lines = line[1:-1], []
        elif line and not line.startswith("#"):
            lines.append(line)
    yield section, lines
