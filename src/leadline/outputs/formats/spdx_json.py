"""SPDX 2.3 as JSON (https://spdx.github.io/spdx-spec/v2.3/); of files only those that describe packages, where asked."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from leadline.model.package import Digest, FileDigests, Package, Sbom
from leadline.outputs.documents.components import Component, components, files_of, key_of
from leadline.outputs.documents.declared_licences import declared
from leadline.outputs.documents.document_template import Draft
from leadline.outputs.documents.sbom_format import document, drafted, image_url, web_page
from leadline.outputs.text.plain import plain

_DOCUMENT = "SPDXRef-DOCUMENT"
_ROOT = "SPDXRef-Image"
_SYSTEM = "SPDXRef-OperatingSystem"
_NO_ASSERTION = "NOASSERTION"
_NOTHING_SAID = {
    "downloadLocation": _NO_ASSERTION,
    "filesAnalyzed": False,
    "licenseConcluded": _NO_ASSERTION,
    "licenseDeclared": _NO_ASSERTION,
    "copyrightText": _NO_ASSERTION,
}
"""Of each package, in that order."""
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9.]+")
_ALGORITHMS = {
    "blake2b256": ("BLAKE2b-256", 64),
    "blake2b384": ("BLAKE2b-384", 96),
    "blake2b512": ("BLAKE2b-512", 128),
    "md5": ("MD5", 32),
    "sha1": ("SHA1", 40),
    "sha224": ("SHA224", 56),
    "sha256": ("SHA256", 64),
    "sha3256": ("SHA3-256", 64),
    "sha3384": ("SHA3-384", 96),
    "sha3512": ("SHA3-512", 128),
    "sha384": ("SHA384", 96),
    "sha512": ("SHA512", 128),
}
"""Name and number of digits by our own name. Validators disagree about the length of BLAKE3, so it is left out."""
_CPE = re.compile(r"cpe:2\.3:[aho*-](?::(?:[^\s:\\]|\\[^\s\\]|\\\\)+){10}")
_DISTRIBUTION = frozenset(("alpm", "apk", "deb", "rpm"))
_LONGEST_TEXT = 2_000


@document("spdx-json", suffix=".spdx.json")
def spdx_json(sbom: Sbom, version: str) -> Draft:
    found = components(sbom)
    ids = [_id(one) for one in found]
    tool = f"Tool: leadline-{version}"
    written: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": plain(sbom.image.name) or "image",
        "documentNamespace": "",
        "creationInfo": {"created": "", "creators": [tool]},
        "packages": [_root(sbom), *_system(sbom), *map(_package, found, ids)],
        "relationships": list(_relationships(sbom, found, ids)),
    }
    if sbom.digests:
        written["files"] = [_file(one) for one in sbom.digests]
    references = {name: text for one in found for name, text in declared(one.package.licenses).references}
    if references:
        written["hasExtractedLicensingInfos"] = [
            {"licenseId": name, "extractedText": plain(text, _LONGEST_TEXT), "name": plain(text)}
            for name, text in sorted(references.items())
        ]
    if sbom.unread:
        written["annotations"] = [
            {
                "annotationDate": "",
                "annotationType": "OTHER",
                "annotator": tool,
                "comment": f"not read: {plain(one.where, _LONGEST_TEXT)}: {plain(one.why, _LONGEST_TEXT)}",
            }
            for one in sbom.unread
        ]
    return drafted(written, moments=("created", "annotationDate"), name="documentNamespace")


def _file(file: FileDigests) -> dict[str, Any]:
    return {
        "fileName": f"./{plain(file.path, _LONGEST_TEXT)}",
        "SPDXID": _file_id(file.path),
        "checksums": [
            {"algorithm": "SHA1", "checksumValue": file.sha1},
            {"algorithm": "SHA256", "checksumValue": file.sha256},
        ],
        "licenseConcluded": _NO_ASSERTION,
        "licenseInfoInFiles": [_NO_ASSERTION],
        "copyrightText": _NO_ASSERTION,
        **_comment([("layer", file.layer)]),
    }


def _file_id(path: str) -> str:
    return f"SPDXRef-File-{key_of(path)}"


def _root(sbom: Sbom) -> dict[str, Any]:
    image = sbom.image
    package: dict[str, Any] = {
        "name": plain(image.name) or "image",
        "SPDXID": _ROOT,
        **({"versionInfo": image.digest or image.id} if image.digest or image.id else {}),
        **_NOTHING_SAID,
        "primaryPackagePurpose": "CONTAINER" if image.kind == "image" else "FILE",
    }
    algorithm, _, value = image.digest.partition(":")
    if value:
        package["checksums"] = _checksums((Digest(algorithm, value),))
    url = image_url(image)
    if url:
        package["externalRefs"] = [_reference("PACKAGE-MANAGER", "purl", url)]
    facts = [("id", image.id), ("platform", image.platform)]
    facts += [("layer", layer) for layer in image.layers]
    facts += [("tag", tag) for tag in image.repo_tags]
    facts.append(("size in bytes", str(image.size_bytes or "")))
    return package | _comment(facts)


def _comment(facts: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What SPDX has no field for, as ``name: value`` with ``; `` between."""
    texts = [f"{name}: {plain(value).replace(';', ',')}" for name, value in facts if value]
    return {"comment": "; ".join(texts)} if texts else {}


def _system(sbom: Sbom) -> Iterator[dict[str, Any]]:
    if sbom.distro.id:
        yield {
            "name": plain(sbom.distro.id),
            "SPDXID": _SYSTEM,
            **({"versionInfo": plain(sbom.distro.version)} if sbom.distro.version else {}),
            **({"description": plain(sbom.distro.name)} if sbom.distro.name else {}),
            **_NOTHING_SAID,
            "primaryPackagePurpose": "OPERATING_SYSTEM",
            **_comment([("codename", sbom.distro.codename), ("end of life", sbom.distro.end_of_life)]),
        }


def _id(component: Component) -> str:
    package = component.package
    name = _NOT_IN_IDS.sub("-", f"{package.type}-{package.name}")[:80]
    return f"SPDXRef-Package-{name}-{component.key}"


def _package(component: Component, spdx_id: str) -> dict[str, Any]:
    package = component.package
    name = f"{package.namespace}/{package.name}" if _has_long_name(component) else package.name
    written: dict[str, Any] = {
        "name": plain(name),
        "SPDXID": spdx_id,
        "supplier": _supplier(component),
        **_NOTHING_SAID,
        "licenseDeclared": declared(package.licenses).expression or _NO_ASSERTION,
    }
    if package.version:
        written["versionInfo"] = plain(package.version)
    if package.found_in:
        places = ", ".join(f"/{plain(path, _LONGEST_TEXT)}" for path in package.found_in)
        written["sourceInfo"] = f"found by {package.found_by or 'its file'} in: {places}"
    if web_page(package.home):
        written["homepage"] = web_page(package.home)
    if package.description:
        written["description"] = plain(package.description, _LONGEST_TEXT)
    checksums = _checksums(package.digests)
    if checksums:
        written["checksums"] = checksums
    references = [_reference("SECURITY", "cpe23Type", cpe) for cpe in package.cpes if _CPE.fullmatch(cpe)]
    if component.url:
        references.append(_reference("PACKAGE-MANAGER", "purl", component.url))
    if references:
        written["externalRefs"] = references
    return written | _comment(_facts(package))


def _facts(package: Package) -> list[tuple[str, str]]:
    return [
        ("type", package.type),
        ("arch", package.arch),
        ("layer", package.layer),
        ("source", package.source),
        ("source version", package.source_version),
        ("scope", "development" if package.is_dev else ""),
        ("built for", package.built_for),
        # A value for each, and one for none: that nothing is linked is known too.
        *(("linked", path) for path in (package.linked or ("none",) if package.linked is not None else ())),
    ]


def _has_long_name(component: Component) -> bool:
    """Whether the namespace is part of what people call it."""
    return bool(component.package.namespace) and component.package.type in (
        "composer",
        "golang",
        "npm",
        "swift",
    )


def _supplier(component: Component) -> str:
    written, mail = _address(component.package.supplier)
    name = plain(written.strip()).replace("(", "[").replace(")", "]").strip()
    if not name:
        return _NO_ASSERTION
    kind = "Organization" if component.package.type in _DISTRIBUTION or not mail else "Person"
    mail = plain(mail).replace("(", "").replace(")", "")
    return f"{kind}: {name} ({mail})" if mail else f"{kind}: {name}"


def _address(written: str) -> tuple[str, str]:
    """What is before the first mail address in angle brackets, and that address; all of it where there is none."""
    end = written.find("<")
    for piece in written[end + 1 :].split("<") if end >= 0 else ():
        mail, bracket, _ = piece.partition(">")
        if bracket and "@" in mail[1:-1] and len(mail.split(None, 1)) == 1 and mail == mail.strip():
            return written[:end], mail
        end += len(piece) + 1
    return written, ""


def _checksums(digests: tuple[Digest, ...]) -> list[dict[str, str]]:
    named = [(*_ALGORITHMS.get(one.algorithm, ("", -1)), one.value.lower()) for one in digests]
    return [
        {"algorithm": algorithm, "checksumValue": value}
        for algorithm, length, value in named
        if len(value) == length and not value.strip("0123456789abcdef")
    ]


def _reference(category: str, type: str, locator: str) -> dict[str, str]:
    return {"referenceCategory": category, "referenceType": type, "referenceLocator": locator}


def _relationships(sbom: Sbom, found: tuple[Component, ...], ids: list[str]) -> Iterator[dict[str, str]]:
    yield _relationship(_DOCUMENT, "DESCRIBES", _ROOT)
    if sbom.distro.id:
        yield _relationship(_ROOT, "CONTAINS", _SYSTEM)
    known = {file.path for file in sbom.digests}
    for one, spdx_id in zip(found, ids, strict=True):
        for path in files_of(one.package, known):
            # A package whose files were not all looked at may not "contain" one.
            comment = {"comment": "the package was found in this file"}
            yield _relationship(spdx_id, "OTHER", _file_id(path)) | comment
        yield _relationship(_ROOT, "CONTAINS", spdx_id)
        for owner in one.owners:
            yield _relationship(ids[owner], "CONTAINS", spdx_id)
        for needed in one.needs:
            yield _relationship(spdx_id, "DEPENDS_ON", ids[needed])


def _relationship(element: str, type: str, related: str) -> dict[str, str]:
    return {"spdxElementId": element, "relationshipType": type, "relatedSpdxElement": related}
