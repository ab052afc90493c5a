"""CycloneDX as JSON (https://cyclonedx.org/docs/1.6/json/)."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from msgspec.structs import replace

from leadline.model.package import Distro, ImageIdentity, Package, Sbom
from leadline.sbom.documents.fields import (
    Entries,
    digests,
    entries,
    fields,
    identified,
    is_software,
    licence,
    licences,
    path,
    text,
)

DEEPEST = 32
_NO_PACKAGES = frozenset(
    ("container", "cryptographic-asset", "data", "device", "file", "machine-learning-model")
)
_PREFIX = "leadline:"
_FOREIGN = {
    "aquasecurity:trivy:DiffID": "layer",
    "aquasecurity:trivy:ImageID": "id",
    "aquasecurity:trivy:LayerDiffID": "layer",
    "aquasecurity:trivy:RepoTag": "tag",
    "aquasecurity:trivy:SrcEpoch": "sourceEpoch",
    "aquasecurity:trivy:SrcName": "source",
    "aquasecurity:trivy:SrcRelease": "sourceRelease",
    "aquasecurity:trivy:SrcVersion": "sourceVersion",
    "syft:cpe23": "cpe",
    "syft:distro:versionCodename": "codename",
    "cdx:npm:package:development": "development",
    "syft:location:0:layerID": "layer",
    "syft:metadata:originPackage": "source",
    "syft:metadata:source": "source",
    "syft:metadata:sourceVersion": "sourceVersion",
    "syft:package:foundBy": "foundBy",
}
"""Properties of other programs that mean the same as one of ours."""


def read_cyclonedx(document: Mapping[str, Any], name: str) -> Sbom:
    """The SBOM in ``document``, whose ``bomFormat`` is ``CycloneDX``."""
    found = Entries()
    distro = Distro()
    owners: dict[str, str] = {}
    if document.get("components") is None:
        found.lose("components", "the document lists none")
    metadata = fields(document.get("metadata"))
    root = fields(metadata.get("component"))
    parts = chain(
        _components(found.listed(document, "components"), "components", 0, found),
        _components(root.get("components"), "metadata.component.components", 0, found),
    )
    for where, entry in parts:
        kind = text(entry.get("type"))
        if kind == "operating-system":
            distro = found.system(where, distro, _distro(entry))
        elif kind not in _NO_PACKAGES or entry.get("purl"):
            _keep(where, entry, found)
    if is_software(text(root.get("purl"))):
        _keep("metadata.component", root, found)
    for unread in _properties(metadata).get("unread", ()):
        place, _, why = unread.partition(": ")
        found.lose(place, why)
    if not found.unread and any(_is_incomplete(fields(one)) for one in entries(document.get("compositions"))):
        found.lose(name, "the document says of itself that it is incomplete")
    needs = {
        text(fields(one).get("ref")): [text(ref) for ref in entries(fields(one).get("dependsOn"))]
        for one in found.listed(document, "dependencies")
    }
    identity = _identity(root, name)
    return Sbom(identity, found.relate(needs, owners), distro, unread=found.all_unread())


def _is_incomplete(composition: Mapping[str, Any]) -> bool:
    return text(composition.get("aggregate")).startswith("incomplete")


def _components(
    value: object, where: str, depth: int, found: Entries
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every component and those inside it."""
    for i, one in enumerate(entries(value)):
        place = f"{where}[{i}]"
        yield place, fields(one)
        inner = fields(one).get("components")
        if inner and depth < DEEPEST:
            yield from _components(inner, f"{place}.components", depth + 1, found)
        elif inner:
            found.lose(place, "components nested too deeply")


def _keep(where: str, entry: Mapping[str, Any], found: Entries) -> None:
    name, url = text(entry.get("name")), text(entry.get("purl"))
    version = found.version(where, name, entry.get("version"))
    if found.has_name(where, name, url) and (url or version or text(entry.get("type")) != "application"):
        # An application without version and URL groups what a lock file lists; it is not a package.
        package = _package(entry, identified(url, name, version))
        found.doubt(where, url, package)
        found.keep(text(entry.get("bom-ref")), package)


def _package(entry: Mapping[str, Any], package: Package) -> Package:
    own = _properties(entry)

    def first(key: str) -> str:
        return own.get(key, [""])[0]

    cpes = (text(entry.get("cpe")), *own.get("cpe", ()))
    type = first("type") if not entry.get("purl") else package.type
    return replace(
        package,
        type=type or package.type,
        namespace=package.namespace or text(entry.get("group")),
        arch=package.arch or first("arch"),
        source=first("source") or package.source,
        source_version=_source_version(own) or package.source_version,
        licenses=tuple(dict.fromkeys(filter(None, _licenses(entry)))),
        found_in=tuple(
            path(fields(one).get("location"))
            for one in entries(fields(entry.get("evidence")).get("occurrences"))
        )
        or tuple(_foreign_places(entry)),
        layer=first("layer"),
        found_by=first("foundBy"),
        cpes=tuple(dict.fromkeys(filter(None, cpes))),
        digests=digests(
            (text(fields(one).get("alg")), text(fields(one).get("content")))
            for one in entries(entry.get("hashes"))
        ),
        supplier=text(fields(entry.get("supplier")).get("name")) or text(entry.get("author")),
        home=_page(entry),
        description=text(entry.get("description")),
        owned_by=first("ownedBy"),
        is_dev=entry.get("scope") == "excluded" or first("development") == "true",
        linked=tuple(one for one in own["linked"] if one != "none") if "linked" in own else None,
        built_for=first("builtFor"),
    )


def _source_version(own: Mapping[str, list[str]]) -> str:
    """Trivy takes it apart into epoch, version and release."""
    epoch, version, release = (
        own.get(key, [""])[0] for key in ("sourceEpoch", "sourceVersion", "sourceRelease")
    )
    prefix = f"{epoch}:" if epoch not in ("", "0") else ""
    return f"{prefix}{version}-{release}" if release else f"{prefix}{version}"


def _licenses(entry: Mapping[str, Any]) -> Iterator[str]:
    for one in entries(entry.get("licenses")):
        license = fields(fields(one).get("license"))
        yield from licences(text(fields(one).get("expression")), {})
        yield licence(text(license.get("id")) or text(license.get("name")))


def _foreign_places(entry: Mapping[str, Any]) -> Iterator[str]:
    """Where Trivy, cdxgen and Syft say that they found it."""
    for one in entries(entry.get("properties")):
        name = text(fields(one).get("name"))
        if name in ("aquasecurity:trivy:FilePath", "SrcFile") or (
            name.startswith("syft:location:") and name.endswith(":path")
        ):
            yield path(fields(one).get("value"))


def _page(entry: Mapping[str, Any]) -> str:
    for one in entries(entry.get("externalReferences")):
        if fields(one).get("type") == "website":
            return text(fields(one).get("url"))
    return ""


def _properties(entry: Mapping[str, Any]) -> dict[str, list[str]]:
    """Values by our own name of them."""
    found: dict[str, list[str]] = {}
    for one in entries(entry.get("properties")):
        name = text(fields(one).get("name"))
        name = f"{_PREFIX}{_FOREIGN[name]}" if name in _FOREIGN else name
        if name.startswith(_PREFIX):
            found.setdefault(name.removeprefix(_PREFIX), []).append(text(fields(one).get("value")))
    return found


def _distro(entry: Mapping[str, Any]) -> Distro:
    own = _properties(entry)
    return Distro(
        text(entry.get("name")),
        text(entry.get("version")),
        own.get("codename", [""])[0],
        text(entry.get("description")),
        tuple(own.get("like", ())),
    )


def _identity(entry: Mapping[str, Any], name: str) -> ImageIdentity:
    own = _properties(entry)
    version = text(entry.get("version"))
    size = own.get("sizeBytes", ["0"])[0]
    return ImageIdentity(
        text(entry.get("name")) or name,
        "directory" if entry.get("type") in ("application", "file") else "image",
        id=own.get("id", [""])[0],
        digest=own.get("digest", [version if version.startswith("sha256:") and "id" not in own else ""])[0],
        repo_tags=tuple(own.get("tag", ())),
        platform=own.get("platform", [""])[0],
        layers=tuple(own.get("layer", ())),
        size_bytes=int(size) if size.isascii() and size.isdigit() and len(size) < 19 else 0,
    )
