"""CycloneDX 1.6 as JSON (https://cyclonedx.org/docs/1.6/json/)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from leadline.model.image_report import ImageReport
from leadline.model.package import Digest, FileDigests, Package, Sbom
from leadline.model.unread import Unread
from leadline.model.vulnerability import Match
from leadline.outputs.documents.components import Component, components, key_of, parts_of
from leadline.outputs.documents.declared_licences import declared, is_license_id
from leadline.outputs.documents.document_template import Draft
from leadline.outputs.documents.sbom_format import document, drafted, image_url, web_page
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.vulnerability_format import suppressed_reason
from leadline.outputs.text.plain import plain

_ROOT = "image"
_HASHES = {
    "blake2b256": ("BLAKE2b-256", 64),
    "blake2b384": ("BLAKE2b-384", 96),
    "blake2b512": ("BLAKE2b-512", 128),
    "blake3": ("BLAKE3", 64),
    "md5": ("MD5", 32),
    "sha1": ("SHA-1", 40),
    "sha256": ("SHA-256", 64),
    "sha3256": ("SHA3-256", 64),
    "sha3384": ("SHA3-384", 96),
    "sha3512": ("SHA3-512", 128),
    "sha384": ("SHA-384", 96),
    "sha512": ("SHA-512", 128),
}
"""Name and number of digits by our own name."""
_LONGEST_TEXT = 2_000
_METHODS = {"CVSS:3.0": "CVSSv3", "CVSS:3.1": "CVSSv31", "CVSS:4.0": "CVSSv4"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@document("cyclonedx-json", suffix=".cdx.json")
def cyclonedx_json(sbom: Sbom, version: str) -> Draft:
    return drafted(_written(sbom, version, ()), moments=("timestamp",), name="serialNumber")


@format("cyclonedx-json", suffix=".cdx.json", report=ImageReport, with_checksums=True)
def cyclonedx_vulnerabilities(report: ImageReport, out: IO[str], page: Page) -> None:
    """The same with the vulnerabilities of its components, where there was a database to look in."""
    written = _written(report.sbom, page.version or "0", report.vulnerabilities)
    if report.database is not None:
        accepted = [one for one in report.suppressed if one.by == "waiver"]
        ref_of = {
            _place_of(one.package): f"{one.url or one.package.type}#{one.key}"
            for one in components(report.sbom)
        }
        whys = {one.match.id: suppressed_reason(one) for one in accepted}
        written["vulnerabilities"] = [
            *written.pop("vulnerabilities", []),
            *(_accepted(entry, whys) for entry in _vulnerabilities([one.match for one in accepted], ref_of)),
        ]
    draft = drafted(written, moments=("timestamp",), name="serialNumber")
    out.write(draft.at(report.sbom.created or page.at).decode())


def _written(sbom: Sbom, version: str, matches: Sequence[Match]) -> dict[str, Any]:
    found = components(sbom)
    refs = [f"{one.url or one.package.type}#{one.key}" for one in found]
    written: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "timestamp": "",
            "tools": {"components": [{"type": "application", "name": "leadline", "version": version}]},
            "component": _root(sbom),
        },
        "components": [*_system(sbom), *map(_component, found, refs), *map(_file, sbom.digests)],
        "dependencies": list(_dependencies(found, refs)),
    }
    if sbom.unread:
        written["compositions"] = [{"aggregate": "incomplete", "assemblies": [_ROOT]}]
        written["metadata"]["properties"] = _properties([("unread", _unread(one)) for one in sbom.unread])
    if matches:
        ref_of = {_place_of(one.package): ref for one, ref in zip(found, refs, strict=True)}
        written["vulnerabilities"] = list(_vulnerabilities(matches, ref_of))
    return written


def _place_of(package: Package) -> tuple[str, ...]:
    return *parts_of(package), *package.found_in


def _vulnerabilities(
    matches: Sequence[Match], ref_of: Mapping[tuple[str, ...], str]
) -> Iterator[dict[str, Any]]:
    """Each problem once, with all components that have it."""
    grouped: dict[str, list[Match]] = {}
    for match in matches:
        grouped.setdefault(match.id, []).append(match)
    for name, members in grouped.items():
        first = members[0]
        affects = dict.fromkeys(ref_of.get(_place_of(one.package), _ROOT) for one in members)
        fixes = dict.fromkeys(
            f"Upgrade {plain(one.package.name)} to {plain(one.fixed_in[0])}"
            for one in members
            if one.fixed_in
        )
        written: dict[str, Any] = {
            "bom-ref": f"vulnerability:{name}",
            "id": name,
            "references": [
                {"id": alias, "source": {"name": alias.partition("-")[0]}} for alias in first.aliases
            ],
            "ratings": list(_ratings(first)),
            "cwes": [int(cwe[4:]) for cwe in first.weaknesses if cwe[4:].isdecimal() and int(cwe[4:])],
            "description": plain(first.summary, _LONGEST_TEXT),
            "recommendation": "; ".join(fixes),
            "advisories": [{"url": link} for link in map(web_page, first.references) if link],
            "published": first.published if _MOMENT.fullmatch(first.published) else "",
            "affects": [{"ref": ref} for ref in affects],
        }
        yield {key: value for key, value in written.items() if value}


def _accepted(entry: dict[str, Any], whys: Mapping[str, str]) -> dict[str, Any]:
    """A vulnerability that someone accepts: it is there, and stays."""
    analysis = {
        "state": "exploitable",
        "response": ["will_not_fix"],
        "detail": plain(f"accepted: {whys[entry['id']]}", _LONGEST_TEXT),
    }
    return entry | {"bom-ref": f"accepted:{entry['id']}", "analysis": analysis}


def _ratings(match: Match) -> Iterator[dict[str, Any]]:
    yield {"severity": "info" if match.severity == "negligible" else match.severity}
    for one in match.cvss:
        method = _METHODS.get(one.vector.partition("/")[0], "CVSSv2")
        rating: dict[str, Any] = {"method": method, "vector": one.vector}
        yield {**rating, "score": one.score} if one.score else rating


def _file(file: FileDigests) -> dict[str, Any]:
    path = f"/{plain(file.path, _LONGEST_TEXT)}"
    return {
        "bom-ref": f"file:{key_of(file.path)}",
        "type": "file",
        "name": path,
        "hashes": [{"alg": "SHA-1", "content": file.sha1}, {"alg": "SHA-256", "content": file.sha256}],
        **({"properties": _properties([("layer", file.layer)])} if file.layer else {}),
    }


def _root(sbom: Sbom) -> dict[str, Any]:
    image = sbom.image
    facts = [("id", image.id), ("digest", image.digest), ("platform", image.platform)]
    facts += [("layer", layer) for layer in image.layers]
    facts += [("tag", tag) for tag in image.repo_tags]
    if image.size_bytes:
        facts.append(("sizeBytes", str(image.size_bytes)))
    component: dict[str, Any] = {
        "bom-ref": _ROOT,
        # Trivy refuses a document about anything else, a "file" among them.
        "type": "container" if image.kind == "image" else "application",
        "name": plain(image.name) or "image",
    }
    if image.digest or image.id:
        component["version"] = plain(image.digest or image.id)
    url = image_url(image)
    if url:
        component["purl"] = url
    properties = _properties(facts)
    return component | ({"properties": properties} if properties else {})


def _system(sbom: Sbom) -> Iterator[dict[str, Any]]:
    distro = sbom.distro
    if distro.id:
        facts = [("codename", distro.codename), ("endOfLife", distro.end_of_life)]
        facts += [("like", like) for like in distro.like]
        component: dict[str, Any] = {
            "bom-ref": "operating-system",
            "type": "operating-system",
            "name": plain(distro.id),
        }
        if distro.version:
            component["version"] = plain(distro.version)
        if distro.name:
            component["description"] = plain(distro.name)
        properties = _properties(facts)
        yield component | ({"properties": properties} if properties else {})


def _component(component: Component, ref: str) -> dict[str, Any]:
    package = component.package
    written: dict[str, Any] = {
        "bom-ref": ref,
        "type": "application" if package.type == "generic" else "library",
    }
    if package.supplier:
        written["supplier"] = {"name": plain(package.supplier)}
    if package.type == "golang" and package.namespace:
        # A module is its whole path; readers that know no groups would take the end of it for another one.
        written["name"] = plain(f"{package.namespace}/{package.name}", _LONGEST_TEXT)
    else:
        written |= {"group": plain(package.namespace)} if package.namespace else {}
        written["name"] = plain(package.name)
    if package.version:
        written["version"] = plain(package.version)
    if package.description:
        written["description"] = plain(package.description, _LONGEST_TEXT)
    if package.is_dev:
        written["scope"] = "excluded"
    hashes = list(_hashes(package.digests))
    if hashes:
        written["hashes"] = hashes
    if package.licenses:
        written["licenses"] = _licenses(package.licenses)
    if package.cpes:
        written["cpe"] = package.cpes[0]
    if component.url:
        written["purl"] = component.url
    if web_page(package.home):
        written["externalReferences"] = [{"type": "website", "url": web_page(package.home)}]
    facts = [("type", package.type), ("foundBy", package.found_by), ("layer", package.layer)]
    facts += [("arch", package.arch), ("ownedBy", package.owned_by)]
    facts += [("source", package.source), ("sourceVersion", package.source_version)]
    facts.append(("builtFor", package.built_for))
    if package.linked is not None:
        # A value for each, and one for none: that nothing is linked is known too.
        facts += [("linked", path) for path in package.linked or ("none",)]
    written["properties"] = _properties(facts + [("cpe", cpe) for cpe in package.cpes[1:]])
    if package.found_in:
        places = [{"location": f"/{plain(path, _LONGEST_TEXT)}"} for path in package.found_in]
        written["evidence"] = {"occurrences": places}
    return written


def _properties(facts: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [
        {"name": f"leadline:{name}", "value": plain(value, _LONGEST_TEXT)} for name, value in facts if value
    ]


def _licenses(licenses: tuple[str, ...]) -> list[dict[str, Any]]:
    """Ids and names side by side, or one expression: the schema has no mixture."""
    if declared(licenses).has_only_spdx and not all(map(is_license_id, licenses)):
        return [{"expression": declared(licenses).expression}]
    return [{"license": _license(one)} for one in licenses]


def _license(written: str) -> dict[str, str]:
    """The schema lists the ids, each in one spelling alone."""
    if is_license_id(written):
        return {"id": declared((written,)).expression}
    return {"name": plain(written, _LONGEST_TEXT) or "unknown"}


def _hashes(digests: tuple[Digest, ...]) -> Iterator[dict[str, str]]:
    for one in digests:
        algorithm, length = _HASHES.get(one.algorithm, ("", -1))
        if length == len(one.value) and not one.value.lower().strip("0123456789abcdef"):
            yield {"alg": algorithm, "content": one.value.lower()}


def _dependencies(found: tuple[Component, ...], refs: list[str]) -> Iterator[dict[str, Any]]:
    """The image needs what nothing else in it needs; so every component hangs together."""
    needed = {position for one in found for position in one.needs}
    tops = [ref for position, ref in enumerate(refs) if position not in needed]
    yield {"ref": _ROOT, "dependsOn": sorted(tops)}
    for one, ref in zip(found, refs, strict=True):
        if one.needs:
            yield {"ref": ref, "dependsOn": sorted(refs[position] for position in one.needs)}


def _unread(unread: Unread) -> str:
    return f"{plain(unread.where, _LONGEST_TEXT)}: {plain(unread.why, _LONGEST_TEXT)}"
