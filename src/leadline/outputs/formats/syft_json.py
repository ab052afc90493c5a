"""The JSON of Syft, so that tools that read it can read ours
(https://github.com/anchore/syft/tree/main/schema/json, field names of 16.0.18).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from leadline.model.package import FileDigests, Package, Sbom
from leadline.outputs.documents.components import Component, components, files_of, key_of
from leadline.outputs.documents.declared_licences import declared
from leadline.outputs.documents.document_template import Draft
from leadline.outputs.documents.sbom_format import document, drafted
from leadline.outputs.text.json_text import content_uuid
from leadline.outputs.text.plain import plain

_SCHEMA = {
    "version": "16.0.18",
    "url": "https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-16.0.18.json",
}
_TYPES = {
    "apk": ("apk", ""),
    "cargo": ("rust-crate", "rust"),
    "cocoapods": ("pod", "swift"),
    "composer": ("php-composer", "php"),
    "conan": ("conan", "c++"),
    "cran": ("R-package", "R"),
    "gem": ("gem", "ruby"),
    "generic": ("binary", ""),
    "github": ("github-action", ""),
    "golang": ("go-module", "go"),
    "hackage": ("hackage", "haskell"),
    "hex": ("hex", "elixir"),
    "luarocks": ("lua-rocks", "lua"),
    "maven": ("java-archive", "java"),
    "npm": ("npm", "javascript"),
    "nuget": ("dotnet", "dotnet"),
    "otp": ("erlang-otp", "erlang"),
    "pub": ("dart-pub", "dart"),
    "pypi": ("python", "python"),
    "swift": ("swift", "swift"),
}
"""Syft's word for a type of package, and the language it goes with; all others are called alike."""
_PREFIXED = frozenset(("composer", "github", "golang", "npm"))
_LONGEST_TEXT = 2_000


@document("syft-json", suffix=".syft.json")
def syft_json(sbom: Sbom, version: str) -> Draft:
    found = components(sbom)
    source = _source(sbom)
    written: dict[str, Any] = {
        "artifacts": [_artifact(one) for one in found],
        "artifactRelationships": list(_relationships(str(source["id"]), found, sbom.digests)),
        **({"files": [_file(one) for one in sbom.digests]} if sbom.digests else {}),
        "source": source,
        "distro": _distro(sbom),
        "descriptor": {
            "name": "leadline",
            "version": version,
            "configuration": {
                "created": "",
                "unread": [
                    {"where": plain(one.where, _LONGEST_TEXT), "why": plain(one.why, _LONGEST_TEXT)}
                    for one in sbom.unread
                ],
            },
        },
        "schema": _SCHEMA,
    }
    return drafted(written, moments=("created",))


def _source(sbom: Sbom) -> dict[str, Any]:
    image = sbom.image
    digest = image.digest or image.id
    name = plain(image.name)
    source: dict[str, Any] = {
        "id": digest.partition(":")[2] or content_uuid(name.encode()).replace("-", ""),
        "name": name,
        "version": digest,
        "type": image.kind,
    }
    if image.kind == "directory":
        return source | {"metadata": {"path": name}}
    platform = [*image.platform.split("/"), "", "", ""]
    return source | {
        "metadata": {
            "userInput": name,
            "imageID": image.id,
            "manifestDigest": image.digest,
            "mediaType": "",
            "tags": [plain(tag) for tag in image.repo_tags],
            "imageSize": image.size_bytes,
            "layers": [{"mediaType": "", "digest": layer, "size": 0} for layer in image.layers],
            "repoDigests": [],
            "os": platform[0],
            "architecture": platform[1],
            "architectureVariant": platform[2],
        }
    }


def _distro(sbom: Sbom) -> dict[str, Any]:
    distro = sbom.distro
    fields = {
        "prettyName": plain(distro.name),
        "name": plain(distro.name),
        "id": plain(distro.id),
        "version": plain(distro.version),
        "versionID": plain(distro.version),
        "versionCodename": plain(distro.codename),
        "supportEnd": distro.end_of_life,
    }
    written: dict[str, Any] = {name: value for name, value in fields.items() if value}
    return written | ({"idLike": [plain(like) for like in distro.like]} if distro.like else {})


def _artifact(component: Component) -> dict[str, Any]:
    package = component.package
    type, language = _TYPES.get(package.type, (package.type, ""))
    if package.type == "github" and package.subpath.startswith(".github/workflows/"):
        type = "github-action-workflow"
    written: dict[str, Any] = {
        "id": component.key,
        "name": _name(package),
        "version": _version(package),
        "type": type,
        "foundBy": package.found_by,
        "locations": list(_locations(package)),
        "licenses": [_license(one) for one in package.licenses],
        "language": language,
        "cpes": [{"cpe": cpe, "source": "declared"} for cpe in package.cpes],
        "purl": component.url,
    }
    describe = _METADATA.get(package.type)
    if describe is not None:
        metadata_type, metadata = describe(package)
        written |= {"metadataType": metadata_type, "metadata": metadata}
    return written


def _name(package: Package) -> str:
    name = package.name
    if package.namespace and package.type in _PREFIXED:
        name = f"{package.namespace}/{name}"
    if package.subpath and package.type == "github":
        name = f"{name}/{package.subpath}"
    return plain(name)


def _version(package: Package) -> str:
    return plain(f"go{package.version}" if _is_standard_library(package) else package.version)


def _is_standard_library(package: Package) -> bool:
    return (package.type, package.namespace, package.name) == ("golang", "", "stdlib")


def _locations(package: Package) -> Iterator[dict[str, Any]]:
    for i, found in enumerate(package.found_in):
        path = f"/{plain(found, _LONGEST_TEXT)}"
        # Of the places of a distribution's package only the database is evidence; the rest adds to it.
        is_primary = i == 0 or package.type not in ("alpm", "apk", "deb", "rpm")
        yield {
            "path": path,
            **({"layerID": package.layer} if package.layer and i == 0 else {}),
            "accessPath": path,
            "annotations": {"evidence": "primary" if is_primary else "supporting"},
        }


def _license(written: str) -> dict[str, Any]:
    known = declared((written,))
    return {
        "value": plain(written, _LONGEST_TEXT),
        "spdxExpression": known.expression if known.has_only_spdx else "",
        "type": "declared",
        "urls": [],
        "locations": [],
    }


def _file(file: FileDigests) -> dict[str, Any]:
    path = f"/{plain(file.path, _LONGEST_TEXT)}"
    return {
        "id": key_of(file.path),
        "location": {"path": path, **({"layerID": file.layer} if file.layer else {})},
        "digests": [
            {"algorithm": "sha1", "value": file.sha1},
            {"algorithm": "sha256", "value": file.sha256},
        ],
    }


def _relationships(
    root: str, found: tuple[Component, ...], files: Sequence[FileDigests]
) -> Iterator[dict[str, Any]]:
    known = {file.path for file in files}
    for one in found:
        for path in files_of(one.package, known):
            yield {"parent": one.key, "child": key_of(path), "type": "evident-by"}
        yield {"parent": root, "child": one.key, "type": "contains"}
        for needed in one.needs:
            yield {"parent": found[needed].key, "child": one.key, "type": "dependency-of"}
        for owner in one.owners:
            yield {
                "parent": found[owner].key,
                "child": one.key,
                "type": "ownership-by-file-overlap",
                "metadata": {"files": [f"/{plain(path, _LONGEST_TEXT)}" for path in one.package.found_in]},
            }


Metadata = tuple[str, dict[str, Any]]


def _deb(package: Package) -> Metadata:
    return "dpkg-db-entry", {
        "package": plain(package.name),
        "source": plain(package.source),
        "version": plain(package.version),
        "sourceVersion": plain(package.source_version),
        "architecture": plain(package.arch),
        "maintainer": plain(package.supplier),
        "installedSize": 0,
        "depends": [plain(name) for name in package.depends],
        "files": [],
    }


def _apk(package: Package) -> Metadata:
    return "apk-db-entry", {
        "package": plain(package.name),
        "originPackage": plain(package.source or package.name),
        "maintainer": plain(package.supplier),
        "version": plain(package.version),
        "architecture": plain(package.arch),
        "url": plain(package.home),
        "description": plain(package.description),
        "size": 0,
        "installedSize": 0,
        "pullDependencies": [plain(name) for name in package.depends],
        "provides": [],
        "pullChecksum": "",
        "gitCommitOfApkPort": "",
        "files": [],
    }


def _rpm(package: Package) -> Metadata:
    qualifiers = dict(package.qualifiers)
    epoch, colon, rest = package.version.rpartition(":")
    version, _, release = rest.partition("-")
    number = epoch if colon else qualifiers.get("epoch", "")
    return "rpm-db-entry", {
        "name": plain(package.name),
        "version": plain(version),
        "epoch": int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None,
        "architecture": plain(package.arch),
        "release": plain(release),
        "sourceRpm": plain(qualifiers.get("upstream", "") or _source_rpm(package)),
        "size": 0,
        "vendor": plain(package.supplier),
        "modularityLabel": plain(qualifiers.get("rpmmod", qualifiers.get("modularitylabel", ""))),
        "provides": [],
        "requires": [plain(name) for name in package.depends],
        "files": [],
    }


def _source_rpm(package: Package) -> str:
    if not package.source or not package.source_version:
        return ""
    return f"{package.source}-{package.source_version.rpartition(':')[2]}.src.rpm"


def _golang(package: Package) -> Metadata:
    compiler = _version(package) if _is_standard_library(package) else ""
    settings = [("leadline.builtFor", package.built_for)] if package.built_for else []
    if package.linked is not None:
        # A value for each, and one for none: that nothing is linked is known too.
        settings += [("leadline.linked", path) for path in package.linked or ("none",)]
    return "go-module-buildinfo-entry", {
        **(
            {
                "goBuildSettings": [
                    {"key": key, "value": plain(value, _LONGEST_TEXT)} for key, value in settings
                ]
            }
            if settings
            else {}
        ),
        "goCompiledVersion": compiler,
        "architecture": plain(package.arch),
    }


def _virtual_path(package: Package) -> str:
    """Where the archive lies, within archives too: its own place is given behind that of the outermost file."""
    outer, *inner = package.found_in or ("",)
    place = inner[0] if inner and inner[0].startswith(f"{outer}:") else outer
    return f"/{plain(place, _LONGEST_TEXT)}" if place else ""


def _maven(package: Package) -> Metadata:
    metadata: dict[str, Any] = {"virtualPath": _virtual_path(package)}
    if package.namespace:
        metadata["pomProperties"] = {
            "path": "",
            "name": "",
            "groupId": plain(package.namespace),
            "artifactId": plain(package.name),
            "version": plain(package.version),
        }
    if package.digests:
        metadata["digest"] = [{"algorithm": one.algorithm, "value": one.value} for one in package.digests]
    return "java-archive", metadata


def _npm(package: Package) -> Metadata:
    return "javascript-npm-package", {
        "name": _name(package),
        "version": plain(package.version),
        "author": plain(package.supplier),
        "homepage": plain(package.home),
        "description": plain(package.description, _LONGEST_TEXT),
        "url": "",
        "private": False,
    }


def _pypi(package: Package) -> Metadata:
    return "python-package", {
        "name": plain(package.name),
        "version": plain(package.version),
        "author": plain(package.supplier),
        "authorEmail": "",
        "platform": "",
        "sitePackagesRootPath": "",
    }


def _gem(package: Package) -> Metadata:
    return "ruby-gemspec", {
        "name": plain(package.name),
        "version": plain(package.version),
        "authors": [plain(name) for name in package.supplier.split(", ") if name],
        "homepage": plain(package.home),
    }


def _cargo(package: Package) -> Metadata:
    return "rust-cargo-audit-entry", {
        "name": plain(package.name),
        "version": plain(package.version),
        "source": "",
    }


def _generic(package: Package) -> Metadata:
    return "binary-signature", {
        "matches": [{"classifier": plain(package.name), "location": one} for one in _locations(package)]
    }


_METADATA: dict[str, Callable[[Package], Metadata]] = {
    "apk": _apk,
    "cargo": _cargo,
    "deb": _deb,
    "gem": _gem,
    "generic": _generic,
    "golang": _golang,
    "maven": _maven,
    "npm": _npm,
    "pypi": _pypi,
    "rpm": _rpm,
}
"""What else Syft says of a type; readers take some of it apart, such as the source package of ``deb``."""
