"""The JSON of Syft (https://github.com/anchore/syft/tree/main/schema/json)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from leadline.model.package import Distro, ImageIdentity, Package, Sbom
from leadline.sbom.documents.fields import Entries, digests, entries, fields, identified, licence, path, text

_TYPES = {
    "R-package": "cran",
    "binary": "generic",
    "dart-pub": "pub",
    "dotnet": "nuget",
    "erlang-otp": "otp",
    "go-module": "golang",
    "java-archive": "maven",
    "jenkins-plugin": "maven",
    "lua-rocks": "luarocks",
    "php-composer": "composer",
    "pod": "cocoapods",
    "python": "pypi",
    "rust-crate": "cargo",
    "UnknownPackage": "generic",
}

_SOURCE_RPM = re.compile(r"(?P<name>.+)-(?P<version>[^-]+-[^-]+)\.src\.rpm")


def read_syft(document: Mapping[str, Any], name: str) -> Sbom:
    """The SBOM in ``document``, which has ``artifacts``."""
    found = Entries()
    for i, value in enumerate(found.listed(document, "artifacts")):
        entry = fields(value)
        name_of_it = text(entry.get("name"))
        found.version(f"artifacts[{i}]", name_of_it, entry.get("version"))
        if found.has_name(f"artifacts[{i}]", name_of_it, text(entry.get("purl"))):
            package = _package(entry)
            if text(entry.get("type")) != "binary":
                found.doubt(f"artifacts[{i}]", text(entry.get("purl")), package)
            found.keep(text(entry.get("id")), package)
    settings = fields(fields(document.get("descriptor")).get("configuration"))
    for one in entries(settings.get("unread")):
        found.lose(text(fields(one).get("where")), text(fields(one).get("why")))
    needs: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    for one in found.listed(document, "artifactRelationships"):
        parent, child = text(fields(one).get("parent")), text(fields(one).get("child"))
        match fields(one).get("type"):
            case "dependency-of":
                needs.setdefault(child, []).append(parent)
            case "ownership-by-file-overlap":
                owners.setdefault(child, parent)
    packages = found.relate(needs, owners)
    distro = _distro(fields(document.get("distro")))
    return Sbom(_identity(fields(document.get("source")), name), packages, distro, unread=found.all_unread())


def _package(entry: Mapping[str, Any]) -> Package:
    url, name = text(entry.get("purl")), text(entry.get("name"))
    package = identified(url, name, text(entry.get("version")))
    type = text(entry.get("type"))
    metadata = fields(entry.get("metadata"))
    origin = text(metadata.get("originPackage"))
    source_rpm = _SOURCE_RPM.fullmatch(text(metadata.get("sourceRpm")))
    if source_rpm is not None and not package.source:
        package = replace(package, source=source_rpm["name"], source_version=source_rpm["version"])
    settings = [
        (text(fields(one).get("key")), text(fields(one).get("value")))
        for one in entries(metadata.get("goBuildSettings"))
    ]
    linked = [value for key, value in settings if key == "leadline.linked"]
    places = [fields(one) for one in entries(entry.get("locations"))]
    places.sort(key=lambda place: fields(place.get("annotations")).get("evidence") != "primary")
    return replace(
        package,
        type=package.type if url else _TYPES.get(type, type) or "generic",
        arch=package.arch or text(metadata.get("architecture")),
        source=package.source or text(metadata.get("source")) or ("" if origin == name else origin),
        source_version=package.source_version or text(metadata.get("sourceVersion")),
        licenses=tuple(dict.fromkeys(filter(None, _licenses(entry)))),
        found_in=tuple(filter(None, (path(place.get("path")) for place in places))),
        layer=text(places[0].get("layerID")) if places else "",
        found_by=text(entry.get("foundBy")),
        cpes=tuple(filter(None, map(_cpe, entries(entry.get("cpes"))))),
        digests=digests(
            (text(fields(one).get("algorithm")), text(fields(one).get("value")))
            for one in entries(metadata.get("digest"))
        ),
        supplier=text(metadata.get("maintainer"))
        or text(metadata.get("vendor"))
        or text(metadata.get("author")),
        linked=tuple(one for one in linked if one != "none") if linked else None,
        built_for=dict(settings).get("leadline.builtFor", ""),
        home=text(metadata.get("homepage")) or text(metadata.get("url")),
        description=text(metadata.get("description")),
    )


def _licenses(entry: Mapping[str, Any]) -> Iterator[str]:
    """Before schema 10 a licence was a mere text."""
    for one in entries(entry.get("licenses")):
        yield licence(text(fields(one).get("spdxExpression")) or text(fields(one).get("value")) or text(one))


def _cpe(value: object) -> str:
    """Before schema 15 a CPE was a mere text."""
    return text(fields(value).get("cpe")) or text(value)


def _distro(entry: Mapping[str, Any]) -> Distro:
    like = entry.get("idLike")
    return Distro(
        text(entry.get("id")) or text(entry.get("name")),  # before schema 3 there was no id
        text(entry.get("versionID")) or text(entry.get("version")),
        text(entry.get("versionCodename")),
        text(entry.get("prettyName")) or text(entry.get("name")),
        tuple(map(text, entries(like))) or tuple(filter(None, text(like).split())),
    )


def _identity(source: Mapping[str, Any], name: str) -> ImageIdentity:
    metadata = fields(source.get("metadata")) or fields(source.get("target"))
    size = metadata.get("imageSize")
    platform = [text(metadata.get(key)) for key in ("os", "architecture", "architectureVariant")]
    return ImageIdentity(
        text(source.get("name")) or text(metadata.get("userInput")) or text(source.get("target")) or name,
        "directory" if source.get("type") in ("directory", "file") else "image",
        id=text(metadata.get("imageID")),
        digest=text(metadata.get("manifestDigest")),
        repo_tags=tuple(map(text, entries(metadata.get("tags")))),
        platform="/".join(filter(None, platform)),
        layers=tuple(text(fields(layer).get("digest")) for layer in entries(metadata.get("layers"))),
        size_bytes=size if isinstance(size, int) and 0 <= size < 1 << 60 else 0,
    )
