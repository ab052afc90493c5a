"""SPDX 2.2 and 2.3 as JSON (https://spdx.github.io/spdx-spec/v2.3/)."""

import re
from collections.abc import Iterator, Mapping
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
    licences,
    path,
    text,
)

_PURPOSES_BESIDE = frozenset(("CONTAINER", "OPERATING-SYSTEM", "FILE", "SOURCE", "ARCHIVE", "DEVICE"))
_PURPOSES_BY_ID = {
    "SPDXRef-Application-": "APPLICATION",
    "SPDXRef-ContainerImage-": "CONTAINER",
    "SPDXRef-Filesystem-": "SOURCE",
    "SPDXRef-OperatingSystem-": "OPERATING-SYSTEM",
}
"""How Trivy began its ids before SPDX knew purposes."""
_LAYER = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
_NEEDS = frozenset(("DEPENDS_ON", "DYNAMIC_LINK", "HAS_PREREQUISITE", "STATIC_LINK"))
_NEEDED = re.compile(r"(?P<kind>(?:[A-Z]+_)?)DEPENDENCY_OF|PREREQUISITE_FOR")
_NOT_AT_RUN_TIME = frozenset(("DEV_", "TEST_"))
_FOUND_BY = re.compile(r"found by (?P<name>[\w.-]+) in: ")
_BUILT_FROM = re.compile(r"built package from: (?P<name>\S+)(?: (?P<version>\S+))?")
_ANNOTATIONS = {"DiffID": "layer", "ImageID": "id", "LayerDiffID": "layer", "RepoTag": "tag"}
"""What Trivy says in annotations of a package, by our own name of it."""
_NOT_READ = "not read: "
_DOCUMENT = "SPDXRef-DOCUMENT"


def read_spdx(document: Mapping[str, Any], name: str) -> Sbom:
    """The SBOM in ``document``. It must say ``SPDX-2.2`` or ``SPDX-2.3``."""
    found = Entries()
    packages = found.listed(document, "packages")
    if document.get("packages") is None:
        found.lose("packages", "the document lists none")
    described = _described(document)
    texts = {
        text(fields(one).get("licenseId")): text(fields(one).get("extractedText"))
        for one in entries(document.get("hasExtractedLicensingInfos"))
    }
    root: Mapping[str, Any] = {}
    distro = Distro()
    for i, value in enumerate(packages):
        entry = fields(value)
        purpose = _purpose(entry)
        if purpose == "OPERATING-SYSTEM":
            distro = found.system(f"packages[{i}]", distro, _distro(entry))
        elif purpose == "CONTAINER" or (
            text(entry.get("SPDXID")) in described and (len(packages) > 1 or purpose in _PURPOSES_BESIDE)
        ):
            is_further = bool(root) and bool(_url(entry))
            root = root or entry
            if is_further or is_software(_url(entry)):
                found.keep(text(entry.get("SPDXID")), _package(entry, texts))
        elif not found.has_name(f"packages[{i}]", text(entry.get("name")), _url(entry)):
            continue
        elif _url(entry) or not (purpose in _PURPOSES_BESIDE or _is_group(entry) or _is_layer(entry)):
            found.version(f"packages[{i}]", text(entry.get("name")), entry.get("versionInfo"))
            package = _package(entry, texts)
            found.doubt(f"packages[{i}]", _url(entry), package)
            found.keep(text(entry.get("SPDXID")), package)
    _take_over_unread(document, found)
    needs, owners = _relations(document, found)
    return Sbom(
        _identity(root, document, name), found.relate(needs, owners), distro, unread=found.all_unread()
    )


def _take_over_unread(document: Mapping[str, Any], found: Entries) -> None:
    """What our own writer could not read before."""
    for one in found.listed(document, "annotations"):
        comment = text(fields(one).get("comment"))
        if comment.startswith(_NOT_READ):
            where, _, why = comment.removeprefix(_NOT_READ).partition(": ")
            found.lose(where, why)


def _is_group(entry: Mapping[str, Any]) -> bool:
    """An application without version and URL groups what a lock file lists; it is not a package."""
    return _purpose(entry) == "APPLICATION" and not text(entry.get("versionInfo"))


def _is_layer(entry: Mapping[str, Any]) -> bool:
    """Tern and bom list what they found the packages in."""
    return bool(_LAYER.fullmatch(text(entry.get("name")))) and not text(entry.get("versionInfo"))


def _purpose(entry: Mapping[str, Any]) -> str:
    """The format's own pages write ``OPERATING-SYSTEM``, its schema ``OPERATING_SYSTEM``."""
    written = text(entry.get("primaryPackagePurpose")).replace("_", "-")
    id = text(entry.get("SPDXID"))
    return written or next((word for start, word in _PURPOSES_BY_ID.items() if id.startswith(start)), "")


def _described(document: Mapping[str, Any]) -> frozenset[str]:
    """Ids of what the document is about."""
    about = [text(one) for one in entries(document.get("documentDescribes"))]
    for one in entries(document.get("relationships")):
        relation = fields(one)
        element, related = text(relation.get("spdxElementId")), text(relation.get("relatedSpdxElement"))
        type = relation.get("relationshipType")
        if type in ("DESCRIBES", "DESCRIBE") and element == _DOCUMENT:
            about.append(related)
        elif type == "DESCRIBED_BY" and related == _DOCUMENT:
            about.append(element)
    # A document about many packages describes them all and has no root.
    return frozenset(about) if len(set(about)) == 1 else frozenset()


def _identity(root: Mapping[str, Any], document: Mapping[str, Any], name: str) -> ImageIdentity:
    version = text(root.get("versionInfo"))
    is_folder = text(root.get("primaryPackagePurpose")) == "FILE"
    facts = _facts(root)
    size = facts.get("size in bytes", [""])[0]
    return ImageIdentity(
        text(root.get("name")) or text(document.get("name")) or name,
        "directory" if is_folder else "image",
        id=facts.get("id", [""])[0],
        digest=version if version.startswith("sha256:") and [version] != facts.get("id") else "",
        repo_tags=tuple(facts.get("tag", ())),
        platform=facts.get("platform", [""])[0],
        layers=tuple(facts.get("layer", ())),
        size_bytes=int(size) if size.isascii() and size.isdigit() and len(size) < 19 else 0,
    )


def _distro(entry: Mapping[str, Any]) -> Distro:
    return Distro(
        text(entry.get("name")),
        text(entry.get("versionInfo")),
        _facts(entry).get("codename", [""])[0],
        text(entry.get("description")),
    )


def _facts(entry: Mapping[str, Any]) -> dict[str, list[str]]:
    """What our own writer says in ``comment``, and Trivy in annotations and ``sourceInfo``."""
    found: dict[str, list[str]] = {}
    for fact in text(entry.get("comment")).split("; "):
        name, _, value = fact.partition(": ")
        found.setdefault(name, []).append(value)
    for one in entries(entry.get("annotations")):
        name, _, value = text(fields(one).get("comment")).partition(": ")
        if name in _ANNOTATIONS:
            found.setdefault(_ANNOTATIONS[name], []).append(value)
    built_from = _BUILT_FROM.match(text(entry.get("sourceInfo")))
    if built_from is not None:
        found["source"] = [built_from["name"]]
        found["source version"] = [built_from["version"] or ""]
    return found


def _url(entry: Mapping[str, Any]) -> str:
    for one in entries(entry.get("externalRefs")):
        if fields(one).get("referenceType") == "purl":
            return text(fields(one).get("referenceLocator"))
    return ""


def _package(entry: Mapping[str, Any], texts: Mapping[str, str]) -> Package:
    package = identified(_url(entry), text(entry.get("name")), text(entry.get("versionInfo")))
    declared = text(entry.get("licenseDeclared"))
    if declared in ("", "NOASSERTION", "NONE"):
        declared = text(entry.get("licenseConcluded"))
    source = text(entry.get("sourceInfo"))
    facts = _facts(entry)
    type = package.type if _url(entry) else facts.get("type", [package.type])[0]
    found_by = _FOUND_BY.match(source)
    return replace(
        package,
        type=type or package.type,
        arch=package.arch or facts.get("arch", [""])[0],
        source=facts.get("source", [package.source])[0],
        source_version=facts.get("source version", [package.source_version])[0],
        layer=facts.get("layer", [""])[0],
        is_dev=facts.get("scope") == ["development"],
        linked=tuple(one for one in facts["linked"] if one != "none") if "linked" in facts else None,
        built_for=facts.get("built for", [""])[0],
        licenses=licences(declared, texts),
        found_in=tuple(path(one) for one in source.partition(": ")[2].split(", ") if one.startswith("/")),
        found_by=found_by["name"] if found_by else "",
        cpes=tuple(_cpes(entry)),
        digests=digests(
            (text(fields(one).get("algorithm")), text(fields(one).get("checksumValue")))
            for one in entries(entry.get("checksums"))
        ),
        supplier=_supplier(text(entry.get("supplier"))) or _supplier(text(entry.get("originator"))),
        home="" if text(entry.get("homepage")) in ("NOASSERTION", "NONE") else text(entry.get("homepage")),
        description=text(entry.get("description")) or text(entry.get("summary")),
    )


def _cpes(entry: Mapping[str, Any]) -> Iterator[str]:
    for one in entries(entry.get("externalRefs")):
        if fields(one).get("referenceType") == "cpe23Type":
            yield text(fields(one).get("referenceLocator"))


def _supplier(written: str) -> str:
    """``Ann <ann@example.org>`` out of ``Person: Ann (ann@example.org)``; empty where it is neither person nor company."""
    kind, _, rest = written.partition(":")
    rest = rest.strip()
    if kind not in ("Person", "Organization"):
        return ""
    name, bracket, mail = rest.removesuffix(")").rpartition("(")
    if not bracket or ")" in mail or not rest.endswith(")"):
        return rest
    return f"{name.strip()} <{mail}>" if mail else name.strip()


def _relations(document: Mapping[str, Any], found: Entries) -> tuple[dict[str, list[str]], dict[str, str]]:
    """What each package needs and who owns it, by their ids."""
    needs: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    at_run_time: dict[str, bool] = {}
    for one in entries(document.get("relationships")):
        relation = fields(one)
        element, related = text(relation.get("spdxElementId")), text(relation.get("relatedSpdxElement"))
        type = text(relation.get("relationshipType"))
        if type == "CONTAINED_BY":
            element, type, related = related, "CONTAINS", element
        needed = _NEEDED.fullmatch(type)
        if type in _NEEDS:
            needs.setdefault(element, []).append(related)
        elif needed is not None:
            needs.setdefault(related, []).append(element)
            is_needed = needed["kind"] not in _NOT_AT_RUN_TIME
            at_run_time[element] = at_run_time.get(element, False) or is_needed
        elif (type == "CONTAINS" and element in found.packages and related in found.packages) or (
            type == "OTHER" and text(relation.get("comment")).startswith("ownership-by-file-overlap")
        ):
            owners.setdefault(related, element)
    for key, is_needed in at_run_time.items():
        if key in found.packages and not is_needed:
            found.packages[key] = replace(found.packages[key], is_dev=True)
    return needs, owners
