"""Bills of materials that others wrote, whole and broken."""

import json
import re
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import SourceError
from leadline.model.package import Digest, Distro, Package, Sbom
from leadline.model.unread import Unread
from leadline.sbom.documents.reader import read_sbom_document
from leadline.sbom.documents.sniff import begins_like_sbom

NOW = "2026-01-02T03:04:05Z"


def read(document: object) -> Sbom:
    return read_sbom_document(json.dumps(document).encode(), "sbom.json", NOW)


SYFT = {
    "artifacts": [
        {
            "id": "1",
            "name": "libc6",
            "version": "2.36-9",
            "type": "deb",
            "foundBy": "dpkg-db-cataloger",
            "locations": [
                {"path": "/usr/share/doc/libc6/copyright", "annotations": {"evidence": "supporting"}},
                {
                    "path": "/var/lib/dpkg/status",
                    "layerID": "sha256:1",
                    "annotations": {"evidence": "primary"},
                },
            ],
            "licenses": [{"value": "LGPL-2.1", "spdxExpression": "LGPL-2.1-only"}, "MIT"],
            "cpes": ["cpe:2.3:a:x:y:1:*:*:*:*:*:*:*"],
            "purl": "pkg:deb/debian/libc6@2.36-9?arch=amd64&upstream=glibc&distro=debian-12",
            "metadata": {"source": "glibc", "architecture": "amd64", "maintainer": "Ann"},
        },
        {"id": "2", "name": "bash", "version": "5", "type": "deb", "purl": "pkg:deb/debian/bash@5"},
        {
            "id": "3",
            "name": "busybox",
            "version": "1.36",
            "type": "binary",
            "purl": "pkg:generic/busybox@1.36",
        },
        {"id": "4", "name": "", "type": "npm"},
        "nonsense",
    ],
    "artifactRelationships": [
        {"parent": "1", "child": "2", "type": "dependency-of"},
        {"parent": "2", "child": "3", "type": "ownership-by-file-overlap"},
        {"parent": "9", "child": "8", "type": "dependency-of"},
        7,
    ],
    "source": {
        "id": "x",
        "name": "web",
        "type": "image",
        "metadata": {"imageID": "sha256:a", "manifestDigest": "sha256:b"},
    },
    "distro": {"id": "debian", "versionID": "12", "prettyName": "Debian 12", "idLike": "linux"},
    "descriptor": {"name": "syft", "version": "1.18.1"},
}


def test_a_document_of_syft_is_read() -> None:
    sbom = read(SYFT)
    assert sbom.packages == (
        Package(
            "deb",
            "libc6",
            "2.36-9",
            namespace="debian",
            arch="amd64",
            source="glibc",
            licenses=("LGPL-2.1-only", "MIT"),
            found_in=("var/lib/dpkg/status", "usr/share/doc/libc6/copyright"),
            layer="sha256:1",
            found_by="dpkg-db-cataloger",
            qualifiers=(("distro", "debian-12"), ("upstream", "glibc")),
            cpes=("cpe:2.3:a:x:y:1:*:*:*:*:*:*:*",),
            supplier="Ann",
        ),
        Package("deb", "bash", "5", namespace="debian", depends=("libc6",)),
        Package("generic", "busybox", "1.36", owned_by="bash"),
    )
    assert sbom.unread == (
        Unread("artifacts[3]", "has no name", "malformed"),
        Unread("artifacts[4]", "has no name", "malformed"),
    )
    assert sbom.distro == Distro("debian", "12", name="Debian 12", like=("linux",), end_of_life="2028-06-30")
    assert (sbom.image.name, sbom.image.id, sbom.image.digest, sbom.created) == (
        "web",
        "sha256:a",
        "sha256:b",
        NOW,
    )


SPDX = {
    "spdxVersion": "SPDX-2.2",
    "name": "doc",
    "documentDescribes": ["SPDXRef-Root"],
    "packages": [
        {
            "SPDXID": "SPDXRef-Root",
            "name": "web:1",
            "versionInfo": "sha256:" + "b" * 64,
            "primaryPackagePurpose": "CONTAINER",
        },
        {
            "SPDXID": "SPDXRef-OS",
            "name": "alpine",
            "versionInfo": "3.19.1",
            "primaryPackagePurpose": "OPERATING-SYSTEM",
        },
        {
            "SPDXID": "SPDXRef-1",
            "name": "@babel/core",
            "versionInfo": "7.0.0",
            "supplier": "Person: Ann (ann@example.org)",
            "licenseDeclared": "NOASSERTION",
            "licenseConcluded": "LicenseRef-own",
            "homepage": "NOASSERTION",
            "sourceInfo": "acquired package info from installed node module manifest file: /srv/package.json, /opt/package.json",
            "checksums": [{"algorithm": "SHA256", "checksumValue": "AB"}],
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/%40babel/core@7.0.0"}],
        },
        {
            "SPDXID": "SPDXRef-2",
            "name": "Flask",
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/flask@1.0"}],
        },
        {"SPDXID": "SPDXRef-3", "name": "no-url", "versionInfo": "3"},
        {"SPDXID": "SPDXRef-4"},
    ],
    "hasExtractedLicensingInfos": [{"licenseId": "LicenseRef-own", "extractedText": "the MIT license"}],
    "relationships": [
        {
            "spdxElementId": "SPDXRef-2",
            "relationshipType": "DEPENDENCY_OF",
            "relatedSpdxElement": "SPDXRef-1",
        },
        {"spdxElementId": "SPDXRef-1", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-3"},
    ],
}


def test_a_document_of_spdx_is_read() -> None:
    sbom = read(SPDX)
    assert sbom.packages == (
        Package(
            "npm",
            "core",
            "7.0.0",
            namespace="@babel",
            licenses=("MIT",),
            found_in=("srv/package.json", "opt/package.json"),
            digests=(Digest("sha256", "ab"),),
            supplier="Ann <ann@example.org>",
            depends=("pkg:pypi/flask@1.0", "pkg:generic/no-url@3"),
        ),
        Package("pypi", "Flask", "1.0"),
        Package("generic", "no-url", "3"),
    )
    assert sbom.unread == (
        Unread("packages[4] no-url", "has no package URL, so its kind is unknown", "malformed"),
        Unread("packages[5]", "has no name", "malformed"),
    )
    assert (sbom.distro.id, sbom.distro.version) == ("alpine", "3.19.1")
    assert (sbom.image.name, sbom.image.digest) == ("web:1", "sha256:" + "b" * 64)


CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.4",
    "metadata": {"component": {"type": "container", "name": "web", "version": "sha256:b"}},
    "components": [
        {"type": "operating-system", "name": "debian", "version": "12.5"},
        {"type": "application", "name": "app/package-lock.json"},
        {
            "bom-ref": "a",
            "type": "library",
            "group": "org.yaml",
            "name": "snakeyaml",
            "version": "1.26",
            "purl": "pkg:maven/org.yaml/snakeyaml@1.26",
            "licenses": [{"license": {"id": "Apache-2.0"}}, {"license": {"name": "odd one"}}],
            "hashes": [{"alg": "SHA-1", "content": "AB"}],
            "properties": [{"name": "aquasecurity:trivy:FilePath", "value": "srv/app.jar"}],
            "components": [
                {
                    "bom-ref": "b",
                    "type": "library",
                    "name": "inner",
                    "version": "2",
                    "purl": "pkg:maven/g/inner@2",
                }
            ],
        },
        {"type": "library", "name": ""},
        {"type": "file", "name": "some file"},
    ],
    "dependencies": [{"ref": "a", "dependsOn": ["b", "gone"]}, 3],
}


def test_a_document_of_cyclonedx_is_read() -> None:
    sbom = read(CYCLONEDX)
    assert sbom.packages == (
        Package(
            "maven",
            "snakeyaml",
            "1.26",
            namespace="org.yaml",
            licenses=("Apache-2.0", "odd one"),
            found_in=("srv/app.jar",),
            digests=(Digest("sha1", "ab"),),
            depends=("g:inner",),
        ),
        Package("maven", "inner", "2", namespace="g"),
    )
    assert sbom.unread == (Unread("components[3]", "has no name", "malformed"),)
    assert (sbom.distro.id, sbom.distro.version, sbom.distro.end_of_life) == ("debian", "12.5", "2028-06-30")
    assert (sbom.image.name, sbom.image.digest) == ("web", "sha256:b")


def test_without_an_operating_system_the_packages_tell_the_distribution() -> None:
    document = {
        **CYCLONEDX,
        "components": [
            {"type": "library", "name": "x", "purl": "pkg:rpm/opensuse/x@1?distro=opensuse-leap-15.5"}
        ],
    }
    assert (read(document).distro.id, read(document).distro.version) == ("opensuse-leap", "15.5")


@pytest.mark.parametrize(
    ("url", "package"),
    [
        ("pkg:alpine/musl@1.2?arch=x86_64", Package("apk", "musl", "1.2", namespace="alpine", arch="x86_64")),
        ("pkg:githubactions/actions/cache@v4", Package("github", "cache", "v4", namespace="actions")),
        ("pkg:dotnet/Markdig@0.21", Package("nuget", "Markdig", "0.21")),
        ("pkg:dotnet-core/Markdig@0.21", Package("nuget", "Markdig", "0.21")),
    ],
)
def test_other_names_of_a_type_become_its_present_one(url: str, package: Package) -> None:
    name = package.name
    entry = {
        "SPDXID": "a",
        "name": name,
        "externalRefs": [{"referenceType": "purl", "referenceLocator": url}],
    }
    assert read({"spdxVersion": "SPDX-2.2", "packages": [entry]}).packages == (package,)


@pytest.mark.parametrize(
    ("url", "distro"),
    [
        ("pkg:apk/alpine/musl@1?distro=3.16.2", Distro("alpine", "3.16.2", end_of_life="2024-05-23")),
        ("pkg:deb/ubuntu/bash@5?distro=focal", Distro("ubuntu", codename="focal")),
        ("pkg:alpm/arch/bash@5?distro=arch", Distro("arch")),
        (
            "pkg:rpm/redhat/x@1?distro=redhat-8.0",
            Distro("rhel", "8.0", name="redhat", end_of_life="2029-05-31"),
        ),
        (
            "pkg:rpm/amazon/x@1?distro=amazon-2%20%28Karoo%29",
            Distro("amzn", "2", name="amazon", end_of_life="2026-06-30"),
        ),
        (
            "pkg:rpm/amazon/x@1?distro=amzn-AMI%20release%202018.03",
            Distro("amzn", "2018.03", end_of_life="2023-12-31"),
        ),
        ("pkg:rpm/x@1?distro=9", Distro()),
        ("pkg:rpm/x@1?distro=", Distro()),
    ],
)
def test_half_a_distribution_in_a_package_url_is_made_whole(url: str, distro: Distro) -> None:
    document = {**CYCLONEDX, "components": [{"type": "library", "name": "x", "purl": url}]}
    assert read(document).distro == distro


def test_other_names_of_a_distribution_become_its_id() -> None:
    system = {"type": "operating-system", "name": "Red Hat Enterprise Linux", "version": "8.0"}
    distro = read({**CYCLONEDX, "components": [system]}).distro
    assert (distro.id, distro.name, distro.end_of_life) == ("rhel", "Red Hat Enterprise Linux", "2029-05-31")


def test_components_nested_without_end_are_named() -> None:
    inner: dict[str, object] = {"type": "library", "name": "deepest", "version": "1", "purl": "pkg:npm/x@1"}
    for _ in range(40):
        inner = {"type": "library", "name": "x", "purl": "pkg:npm/x@1", "components": [inner]}
    sbom = read({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [inner]})
    assert len(sbom.packages) == 33
    assert [one.why for one in sbom.unread] == ["components nested too deeply"]
    # The reason is still in the line.
    assert re.fullmatch(r"components\[0\]\.components.{20,80}….*components\[0\]", sbom.unread[0].where)


def test_entries_of_one_id_are_all_kept() -> None:
    twice = [
        {"id": "1", "name": name, "version": "1", "type": "npm", "purl": f"pkg:npm/{name}@1"} for name in "ab"
    ]
    assert [one.name for one in read({"artifacts": twice, "descriptor": {}}).packages] == ["a", "b"]


def test_thousands_of_broken_entries_are_counted() -> None:
    sbom = read({"artifacts": [{}] * 1500, "descriptor": {}})
    assert (len(sbom.unread), sbom.unread[-1]) == (
        1001,
        Unread("further entries", "500 make no sense", "malformed"),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x is empty; SPDX 2.3, CycloneDX and Syft documents are read, as JSON; CycloneDX as XML too"),
        (
            b"[]",
            "x is not an SBOM; SPDX 2.3, CycloneDX and Syft documents are read, as JSON; CycloneDX as XML too",
        ),
        (
            b"<bom/>",
            "x is XML, but not CycloneDX; SPDX 2.3, CycloneDX and Syft documents are read, as JSON; CycloneDX as XML too",
        ),
        (b'{"spdxVersion": "SPDX-2.1"}', "x is SPDX-2.1; SPDX-2.2 and SPDX-2.3 are read"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "2.0"}', "x is CycloneDX 2.0; 1.2 to 1.7 are read"),
        (
            b'{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}',
            "x is SPDX 3; SPDX-2.2 and SPDX-2.3 are read",
        ),
        (
            b"[" * 5000,
            "x is not valid JSON: depth limit exceeded: line 1 column 1026 (char 1025); SPDX 2.3, CycloneDX and Syft documents are read, as JSON; CycloneDX as XML too",
        ),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(content: bytes, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_sbom_document(content, "x", NOW)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (b'{"a"', True),
        (b"\xef\xbb\xbf\n {", True),
        (b"<bom", True),
        (b"SPDXVersion: SPDX-2.3", True),
        (b"\x1f\x8b\x08", False),
        (b"", False),
        (b"[]", False),
    ],
)
def test_documents_are_told_by_their_beginning(tmp_path: Path, content: bytes, is_one: bool) -> None:
    (tmp_path / "x").write_bytes(content)
    assert begins_like_sbom(tmp_path / "x") is is_one


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(max_size=5)
    | st.sampled_from(("pkg:npm/a@1", "purl", "library", "DEPENDS_ON")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def replaced(document: object, at: list[int], value: object) -> object:
    """``document`` with one value changed, found by the steps in ``at``."""
    if not at or not isinstance(document, dict | list) or not document:
        return value
    if isinstance(document, dict):
        key = sorted(document)[at[0] % len(document)]
        return {**document, key: replaced(document[key], at[1:], value)}
    i = at[0] % len(document)
    return [*document[:i], replaced(document[i], at[1:], value), *document[i + 1 :]]


@given(st.sampled_from((SYFT, SPDX, CYCLONEDX)), st.lists(st.integers(0, 20), min_size=1, max_size=6), values)
def test_a_document_with_anything_anywhere_is_read_or_refused(
    document: object, at: list[int], value: object
) -> None:
    content = orjson.dumps(replaced(document, at, value))
    try:
        sbom = read_sbom_document(content, "x", NOW)
    except SourceError:
        return
    assert all(package.name for package in sbom.packages)
