"""What real programs write into their bills of materials, beyond what the formats' own pages lead one to expect."""

import io
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from cost_growth import cost_growth
from leadline.errors import SourceError
from leadline.model.package import Package, Sbom
from leadline.model.unread import Unread
from leadline.outputs.documents.components import components
from leadline.outputs.format_registry import Page, find_format
from leadline.outputs.rows.no_places import NoPlaces
from leadline.sbom.documents.reader import read_sbom_document
from leadline.sbom.documents.sniff import begins_like_sbom

NOW = "2026-01-02T03:04:05Z"


def read(document: object) -> Sbom:
    return read_sbom_document(json.dumps(document).encode(), "sbom.json", NOW)


def cyclonedx(**parts: Any) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [], **parts}


def library(name: str, **parts: Any) -> dict[str, Any]:
    return {"type": "library", "name": name, "version": "1", "purl": f"pkg:npm/{name}@1", **parts}


def properties(**values: str) -> list[dict[str, str]]:
    return [{"name": name.replace("_", ":"), "value": value} for name, value in values.items()]


def names(sbom: Sbom) -> list[str]:
    return [package.name for package in sbom.packages]


def test_parts_of_what_the_document_is_about_are_packages() -> None:
    root = {"type": "application", "name": "shop", "components": [library("a", components=[library("b")])]}
    assert names(read(cyclonedx(metadata={"component": root}, components=[library("c")]))) == ["c", "a", "b"]


def test_a_package_url_says_more_than_the_type_of_a_component() -> None:
    components = [
        {"type": "file", "name": "app.jar", "purl": "pkg:maven/org.a/app@1"},
        {"type": "container", "name": "dns", "purl": "pkg:oci/dns@sha256:1"},
        {"type": "file", "name": "notes.txt"},
    ]
    sbom = read(cyclonedx(components=components))
    assert [(one.type, one.name) for one in sbom.packages] == [("maven", "app"), ("oci", "dns")]
    assert sbom.unread == ()


def test_a_second_distribution_is_named() -> None:
    systems = [
        {"type": "operating-system", "name": name, "version": version}
        for name, version in (("alpine", "3.20"), ("alpine", "3.20"), ("debian", "12"))
    ]
    sbom = read(cyclonedx(components=systems))
    assert (sbom.distro.id, sbom.distro.version) == ("alpine", "3.20")
    assert sbom.unread == (
        Unread(
            "components[2]",
            "is a second distribution, debian 12; all is reported as of alpine 3.20",
            "malformed",
        ),
    )


def test_packages_for_development_are_told_by_the_property_of_npm() -> None:
    dev = library("a", properties=properties(cdx_npm_package_development="true"))
    sbom = read(cyclonedx(components=[dev, library("b")]))
    assert [(one.name, one.is_dev) for one in sbom.packages] == [("a", True), ("b", False)]


def test_places_and_sources_are_found_where_other_programs_write_them() -> None:
    cdxgen = library("a", properties=[{"name": "SrcFile", "value": "/srv/package-lock.json"}])
    syft = {
        "type": "library",
        "name": "libssl1.1",
        "version": "1.1.1-r0",
        "purl": "pkg:apk/alpine/libssl1.1@1.1.1-r0",
        "properties": properties(syft_metadata_originPackage="openssl"),
    }
    deb = {
        "type": "library",
        "name": "libc6",
        "version": "2",
        "purl": "pkg:deb/debian/libc6@2",
        "properties": properties(syft_metadata_source="glibc", syft_metadata_sourceVersion="2-1"),
    }
    assert read(cyclonedx(components=[cdxgen, syft, deb])).packages == (
        Package("npm", "a", "1", found_in=("srv/package-lock.json",)),
        Package("apk", "libssl1.1", "1.1.1-r0", namespace="alpine", source="openssl"),
        Package("deb", "libc6", "2", namespace="debian", source="glibc", source_version="2-1"),
    )


def spdx(packages: list[dict[str, Any]], *relationships: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "spdxVersion": "SPDX-2.3",
        "name": "doc",
        "packages": packages,
        "relationships": [
            {"spdxElementId": element, "relationshipType": type, "relatedSpdxElement": related}
            for element, type, related in relationships
        ],
    }


def packaged(id: str, url: str = "", **parts: str) -> dict[str, Any]:
    reference = {"referenceType": "purl", "referenceLocator": url or f"pkg:npm/{id}@1"}
    return {"SPDXID": id, "name": id, "versionInfo": "1", "externalRefs": [reference], **parts}


def test_purposes_of_old_documents_of_trivy_are_told_by_their_ids() -> None:
    document = spdx(
        [
            {"SPDXID": "SPDXRef-Application-1", "name": "jar", "sourceInfo": "Java"},
            {"SPDXID": "SPDXRef-OperatingSystem-1", "name": "debian", "versionInfo": "11.6"},
            packaged("SPDXRef-ContainerImage-1", "pkg:oci/shop@sha256:1", name="shop:1"),
            packaged("SPDXRef-Package-1", "pkg:npm/a@1", name="a"),
        ],
        ("SPDXRef-DOCUMENT", "DESCRIBE", "SPDXRef-ContainerImage-1"),
    )
    sbom = read(document)
    assert (names(sbom), sbom.unread) == (["a"], ())
    assert (sbom.image.name, sbom.distro.id, sbom.distro.version) == ("shop:1", "debian", "11.6")


def test_a_layer_without_package_url_is_no_package() -> None:
    layer = "5b1d" * 16
    for name in (layer, f"sha256:{layer}"):
        assert read(spdx([packaged("a"), {"SPDXID": "l", "name": name, "versionInfo": ""}])).unread == ()


def test_every_kind_of_dependency_is_one() -> None:
    forward = ("DEPENDS_ON", "DYNAMIC_LINK", "HAS_PREREQUISITE", "STATIC_LINK")
    kinds = ("", "BUILD_", "DEV_", "OPTIONAL_", "PROVIDED_", "RUNTIME_", "TEST_")
    backward = (*(f"{kind}DEPENDENCY_OF" for kind in kinds), "PREREQUISITE_FOR")
    for type in forward:
        assert read(spdx([packaged("a"), packaged("b")], ("a", type, "b"))).packages[0].depends == ("b",), (
            type
        )
    for type in backward:
        assert read(spdx([packaged("a"), packaged("b")], ("b", type, "a"))).packages[0].depends == ("b",), (
            type
        )


def test_what_only_development_needs_is_marked() -> None:
    packages = [packaged("a"), packaged("b"), packaged("c")]
    relations = (
        ("b", "DEV_DEPENDENCY_OF", "a"),
        ("c", "TEST_DEPENDENCY_OF", "a"),
        ("c", "DEPENDENCY_OF", "b"),
    )
    sbom = read(spdx(packages, *relations))
    assert [(one.name, one.is_dev) for one in sbom.packages] == [("a", False), ("b", True), ("c", False)]


def test_relations_may_be_told_from_the_other_end() -> None:
    document = spdx(
        [packaged("image", "pkg:oci/shop@sha256:1"), packaged("a"), packaged("b")],
        ("image", "DESCRIBED_BY", "SPDXRef-DOCUMENT"),
        ("b", "CONTAINED_BY", "a"),
    )
    sbom = read(document)
    assert (sbom.image.name, names(sbom), sbom.packages[1].owned_by) == ("image", ["a", "b"], "a")


def test_a_second_distribution_in_spdx_is_named() -> None:
    systems = [
        {"SPDXID": name, "name": name, "versionInfo": "1", "primaryPackagePurpose": "OPERATING_SYSTEM"}
        for name in ("alpine", "debian")
    ]
    sbom = read(spdx(systems))
    assert sbom.distro.id == "alpine"
    assert [one.where for one in sbom.unread] == ["packages[1]"]


def dependencies(sbom: Sbom) -> set[tuple[str, str]]:
    found = components(sbom)
    return {(one.url, found[needed].url) for one in found for needed in one.needs}


def test_relations_between_versions_and_types_are_kept_through_every_format() -> None:
    documents = [
        library("ms", **{"bom-ref": "new"}, group=""),
        library("ms", version="2", purl="pkg:npm/ms@2", **{"bom-ref": "old"}),
        library("a", **{"bom-ref": "a"}),
        library("b", **{"bom-ref": "b"}),
        {"type": "library", "name": "c", "version": "1", "purl": "pkg:pypi/c@1", "bom-ref": "c"},
    ]
    needs = [{"ref": "a", "dependsOn": ["old", "c"]}, {"ref": "b", "dependsOn": ["new", "a"]}]
    sbom = read(cyclonedx(components=documents, dependencies=needs))
    expected = {
        ("pkg:npm/a@1", "pkg:npm/ms@2"),
        ("pkg:npm/a@1", "pkg:pypi/c@1"),
        ("pkg:npm/b@1", "pkg:npm/ms@1"),
        ("pkg:npm/b@1", "pkg:npm/a@1"),
    }
    assert dependencies(sbom) == expected
    for name in ("spdx-json", "cyclonedx-json", "syft-json"):
        out = io.StringIO()
        find_format(name, Sbom).write(sbom, out, Page(NoPlaces()))
        assert dependencies(read_sbom_document(out.getvalue().encode(), "again", NOW)) == expected, name


def test_the_distribution_of_old_documents_of_syft_has_its_id_as_name() -> None:
    document = {"artifacts": [], "descriptor": {}, "distro": {"name": "alpine", "version": "3.13.4"}}
    distro = read(document).distro
    assert (distro.id, distro.version) == ("alpine", "3.13.4")


def test_a_folder_in_old_documents_of_syft_is_named_by_its_path() -> None:
    document = {"artifacts": [], "descriptor": {}, "source": {"type": "directory", "target": "/srv/shop"}}
    assert (read(document).image.name, read(document).image.kind) == ("/srv/shop", "directory")


def test_the_source_package_of_an_apk_is_its_origin() -> None:
    url = "pkg:alpine/libssl1.1@1?arch=x86_64"
    entry: dict[str, Any] = {"id": "1", "name": "libssl1.1", "version": "1", "type": "apk", "purl": url}
    entry["metadata"] = {"originPackage": "openssl", "architecture": "x86_64"}
    assert read({"artifacts": [entry], "descriptor": {}}).packages[0].source == "openssl"
    entry["metadata"] = {"originPackage": "libssl1.1"}
    assert read({"artifacts": [entry], "descriptor": {}}).packages[0].source == ""


BILL = cyclonedx(components=[library("a")])
STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://cyclonedx.org/bom"}
PROVENANCE = {"predicateType": "https://slsa.dev/provenance/v1", "predicate": {"buildDefinition": {}}}


def envelope(statement: object) -> dict[str, Any]:
    payload = b64encode(json.dumps(statement).encode()).decode()
    return {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": []}


@pytest.mark.parametrize(
    "document",
    [
        envelope({**STATEMENT, "predicate": BILL}),
        envelope({**STATEMENT, "predicate": {"Data": BILL, "Timestamp": NOW}}),
        envelope({**STATEMENT, "predicate": {"Data": json.dumps(BILL)}}),
        {
            "mediaType": "application/vnd.dev.sigstore.bundle+json",
            "dsseEnvelope": envelope({"predicate": BILL}),
        },
        {"linux/amd64": {"SPDX": spdx([packaged("a")])}},
        {**BILL, "sbom": {}, "predicate": {}},
    ],
)
def test_wrapped_bills_of_materials_are_read(document: dict[str, Any]) -> None:
    assert names(read(document)) == ["a"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"linux/amd64": {"SPDX": {}}, "linux/arm64": {"SPDX": {}}},
            "x holds SBOMs of linux/amd64, linux/arm64; save one of them by itself",
        ),
        (
            envelope(PROVENANCE),
            "x is an attestation of https://slsa.dev/provenance/v1, no SBOM; "
            "ask for the one of SPDX or CycloneDX",
        ),
        ({"payloadType": "a", "payload": "{"}, "x is a signed envelope whose payload is not JSON"),
        (
            {"@context": ["https://spdx.org/rdf/3.0.1/spdx-context.jsonld"], "@graph": []},
            "x is SPDX 3; SPDX-2.2 and SPDX-2.3 are read",
        ),
        (
            {"name": "shop", "dependencies": {}},
            "x is not an SBOM; SPDX 2.3, CycloneDX and Syft documents are read, as JSON; CycloneDX as XML too",
        ),
    ],
)
def test_what_wraps_no_single_bill_is_refused_in_one_line(document: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_sbom_document(json.dumps(document).encode(), "x", NOW)
    assert str(caught.value) == message


def test_of_several_attestations_the_one_sbom_is_read() -> None:
    lines = [json.dumps(one) for one in (envelope(PROVENANCE), envelope({"predicate": BILL}), {"a": 1})]
    assert names(read_sbom_document("\n".join(lines).encode(), "x", NOW)) == ["a"]
    with pytest.raises(SourceError, match="x holds 2 SBOMs; save one of them by itself"):
        read_sbom_document("\n".join([*lines, json.dumps(BILL)]).encode(), "x", NOW)
    with pytest.raises(SourceError, match="x is not valid JSON: unexpected content after document"):
        read_sbom_document(f"{lines[1]}\nContact us".encode(), "x", NOW)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_documents_that_a_shell_of_windows_saved_are_read(tmp_path: Path, encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / "x").write_bytes(f"{mark}{json.dumps(BILL)}".encode(encoding))
    assert begins_like_sbom(tmp_path / "x")
    assert names(read_sbom_document((tmp_path / "x").read_bytes(), "x", NOW)) == ["a"]


def again(sbom: Sbom, name: str) -> Sbom:
    out = io.StringIO()
    find_format(name, Sbom).write(sbom, out, Page(NoPlaces()))
    return read_sbom_document(out.getvalue().encode(), "again", NOW)


ALL_FORMATS = ("spdx-json", "cyclonedx-json", "syft-json")


@pytest.mark.parametrize("name", ["spdx-json", "cyclonedx-json"])
def test_checksums_of_every_algorithm_are_kept(name: str) -> None:
    lengths = {"MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-384": 96, "SHA-512": 128}
    for family in ("SHA3", "BLAKE2b"):
        lengths |= {f"{family}-256": 64, f"{family}-384": 96, f"{family}-512": 128}
    hashes = [{"alg": alg, "content": "ab" * (length // 2)} for alg, length in lengths.items()]
    sbom = read(cyclonedx(components=[library("a", hashes=hashes)]))
    assert len(sbom.packages[0].digests) == 11
    assert again(sbom, name).packages == sbom.packages


@pytest.mark.parametrize("name", ALL_FORMATS)
def test_a_name_with_a_slash_and_no_package_url_stays_whole(name: str) -> None:
    sbom = read(cyclonedx(components=[{"type": "library", "name": "example.com/a", "version": "1"}]))
    assert [(one.namespace, one.name) for one in again(sbom, name).packages] == [("", "example.com/a")]


@pytest.mark.parametrize("name", ALL_FORMATS)
def test_owners_that_are_no_package_of_a_distribution_are_kept(name: str) -> None:
    document = spdx([packaged("a"), packaged("b"), packaged("b", "pkg:npm/b@2")], ("a", "CONTAINS", "b"))
    assert [one.owned_by for one in again(read(document), name).packages] == ["", "a", ""]


@pytest.mark.parametrize("name", ALL_FORMATS)
def test_the_source_of_an_rpm_is_kept_without_a_package_url_that_says_it(name: str) -> None:
    entry = packaged("a", "pkg:rpm/photon/pam-devel@1.4", sourceInfo="built package from: pam 1.4.0-5.ph4")
    package = again(read(spdx([entry])), name).packages[0]
    assert (package.source, package.source_version) == ("pam", "1.4.0-5.ph4")


def all_kinds(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """A document of every kind about one package with these parts."""
    reference = {"referenceType": "purl", "referenceLocator": entry.get("purl")}
    in_spdx = {"SPDXID": "a", "versionInfo": entry.get("version"), "externalRefs": [reference], **entry}
    return [
        cyclonedx(components=[{"type": "library", **entry}]),
        spdx([in_spdx, packaged("other")]),
        {"artifacts": [entry], "descriptor": {}},
    ]


def test_a_version_that_is_no_text_is_named() -> None:
    for document in all_kinds({"name": "a", "version": 3.10, "purl": "pkg:npm/a"}):
        sbom = read(document)
        assert (sbom.packages[0].name, sbom.packages[0].version) == ("a", "")
        assert [one.why for one in sbom.unread] == ["its version is not text"]


def test_a_package_url_names_what_has_no_name() -> None:
    for document in all_kinds({"name": 5, "version": "1", "purl": "pkg:npm/a@1"}):
        sbom = read(document)
        assert (sbom.packages[0].name, sbom.unread) == ("a", ())


def test_a_document_of_no_version_is_refused() -> None:
    for document, words in (
        ({"spdxVersion": 2.3}, "SPDX of no version"),
        ({**BILL, "specVersion": 1.6}, "CycloneDX of no version"),
    ):
        with pytest.raises(SourceError, match=f"sbom.json is {words}; "):
            read(document)


def test_further_images_in_a_document_are_packages() -> None:
    images = [
        packaged(name, f"pkg:oci/{name}@sha256:1", primaryPackagePurpose="CONTAINER")
        for name in ("web", "dns")
    ]
    sbom = read(spdx([*images, packaged("a")]))
    assert (sbom.image.name, names(sbom)) == ("web", ["dns", "a"])


def within(content: bytes) -> bytes:
    """``content`` signed, so that nothing of it shows from outside."""
    return b'{"payloadType":"a","payload":"' + b64encode(content) + b'"}'


@pytest.mark.parametrize(
    "wrapped", [lambda content: content, within, lambda content: within(within(content))]
)
def test_a_document_of_too_many_values_is_refused_before_it_fills_the_memory(wrapped) -> None:
    content = wrapped(b'{"artifacts":[' + b"{}," * 8_000_001 + b'{}],"descriptor":{}}')
    with pytest.raises(SourceError, match="x holds more than 16,000,000 values; "):
        read_sbom_document(content, "x", NOW)


@pytest.mark.parametrize(
    ("written", "supplier"),
    [
        ("Person: Ann (ann@example.org)", "Ann <ann@example.org>"),
        ("Organization: ACME (Europe) (info@example.org) ", "ACME (Europe) <info@example.org>"),
        ("Organization:ACME", "ACME"),
        ("Organization: ACME ()", "ACME"),
        ("Organization: ACME) (", "ACME) ("),
        ("Tool: syft", ""),
        ("NOASSERTION", ""),
    ],
)
def test_suppliers_are_read_with_their_address(written: str, supplier: str) -> None:
    assert read(spdx([packaged("a", supplier=written), packaged("b")])).packages[0].supplier == supplier


def test_suppliers_of_blanks_and_brackets_cost_no_time() -> None:
    def convert(size: int) -> None:
        blanks = " " * 8_000 * size
        suppliers = [f"Person: {blanks}(\nx", f"Person: x{blanks}\ny", f"Person: {'<a@' * 2500 * size}"]
        again(
            read(spdx([packaged(str(i), supplier=one) for i, one in enumerate(suppliers * 20)])), "spdx-json"
        )

    assert cost_growth(convert) < 12
