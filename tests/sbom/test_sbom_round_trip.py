"""Bills of materials survive being written and read, and one odd value costs no package without a word."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cost_growth import cost_growth
from leadline.errors import SourceError
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.unread import Unread
from leadline.outputs.documents.components import components
from leadline.outputs.documents.declared_licences import declared
from leadline.outputs.format_registry import find_format
from leadline.sbom.documents.reader import read_sbom_document
from outputs.sample_packages import CREATED, SBOM, sbom_page

NAMES = ("spdx-json", "cyclonedx-json", "syft-json")
WHOLE = replace(SBOM, unread=())


def written(name: str, sbom: Sbom = SBOM) -> bytes:
    out = io.StringIO()
    find_format(name, Sbom).write(sbom, out, sbom_page())
    return out.getvalue().encode()


def read(document: dict[str, Any] | bytes) -> Sbom:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_sbom_document(content, "it.json", CREATED)


def facts(package: Package) -> dict[str, object]:
    """What every format keeps of a package."""
    return {
        "type": package.type,
        "namespace": package.namespace,
        "name": package.name,
        "version": package.version,
        "arch": package.arch,
        "subpath": package.subpath,
        "qualifiers": sorted(package.qualifiers),
        "licences": declared(package.licenses).expression,
        "found_in": package.found_in,
        "layer": package.layer,
        "found_by": package.found_by,
        "cpes": package.cpes,
        "digests": package.digests,
        "owned_by": package.owned_by,
    }


@pytest.mark.parametrize("linked", [None, (), ("golang.org/x/net/html", "golang.org/x/net/http2")])
@pytest.mark.parametrize("name", NAMES)
def test_every_format_keeps_which_packages_of_a_go_module_are_linked(
    name: str, linked: tuple[str, ...] | None
) -> None:
    module = Package(
        "golang", "net", "v0.35.0", namespace="golang.org/x", linked=linked, built_for="linux/amd64"
    )
    (found,) = read(written(name, replace(WHOLE, packages=(module,)))).packages
    assert (found.linked, found.built_for) == (linked, "linux/amd64")


@pytest.mark.parametrize("name", NAMES)
def test_packages_come_back_as_they_were_written(name: str) -> None:
    expected = [facts(one.package) for one in components(SBOM)]
    assert [facts(one) for one in read(written(name)).packages] == expected


@pytest.mark.parametrize("name", NAMES)
def test_image_and_distribution_come_back_as_they_were_written(name: str) -> None:
    back = read(written(name))
    assert back.image == SBOM.image
    assert replace(back.distro, like=(), end_of_life="") == replace(SBOM.distro, like=(), end_of_life="")


@pytest.mark.parametrize("name", NAMES)
def test_folder_comes_back_as_a_folder(name: str) -> None:
    folder = ImageIdentity("srv/shop", "directory")
    assert read(written(name, Sbom(folder, SBOM.packages[:1]))).image == folder


@pytest.mark.parametrize("name", NAMES)
def test_what_was_not_read_comes_back(name: str) -> None:
    assert [f"{one.where}: {one.why}" for one in read(written(name)).unread] == [
        f"{one.where}: {one.why}" for one in SBOM.unread
    ]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_package_needs_comes_back(name: str) -> None:
    needed = {one.name: one.depends for one in read(written(name)).packages if one.depends}
    assert needed == {"libssl3": ("libc6",), "core": ("semver",), "requests": ("zope.interface",)}


@pytest.mark.parametrize("name", NAMES)
def test_reading_a_second_time_finds_the_same_packages(name: str) -> None:
    once = read(written(name))
    assert read(written(name, once)).packages == once.packages


@pytest.mark.parametrize(
    "package",
    [
        Package("rpm", "bash", "5.1.8-6.el9", namespace="rocky", arch="x86_64"),
        Package("generic", "tool", "1", qualifiers=(("arch", "arm64"),)),
        Package("pypi", "Zope_Interface", "5!1.0+local"),
        Package("npm", "a%b c", "1.0.0+x y", namespace="@ü"),
        Package("deb", "g++", "4:12.2~rc1+dfsg-1", namespace="debian", arch="amd64"),
        Package("golang", "v2", "", namespace="example.com/a/b"),
        Package("maven", "a_2.13", "1.0-SNAPSHOT", namespace="org.a", qualifiers=(("type", "war"),)),
        Package("hex", "jason", "1.4.1"),
    ],
    ids=lambda package: f"{package.type}-{package.name}",
)
@pytest.mark.parametrize("name", NAMES)
def test_odd_names_survive(name: str, package: Package) -> None:
    back = read(written(name, Sbom(ImageIdentity("x"), (package, SBOM.packages[0]))))
    assert facts(package) in [facts(one) for one in back.packages]


SPDX = {
    "spdxVersion": "SPDX-2.2",
    "packages": [
        {
            "SPDXID": "SPDXRef-a",
            "name": "org.a:lib",
            "licenseDeclared": "(MIT OR Apache-2.0) AND LicenseRef-own",
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:maven/org.a/lib@1.0"}],
        },
        {"SPDXID": "SPDXRef-b", "name": "mystery", "versionInfo": "2"},
        "no object",
        {"name": "app/package-lock.json", "primaryPackagePurpose": "APPLICATION"},
        {"name": "half", "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:"}]},
    ],
    "hasExtractedLicensingInfos": [{"licenseId": "LicenseRef-own", "extractedText": "Do what you like"}],
}


def test_packages_of_unknown_kind_are_kept_and_named() -> None:
    sbom = read(SPDX)
    assert [(one.type, one.name) for one in sbom.packages] == [
        ("maven", "lib"),
        ("generic", "mystery"),
        ("generic", "half"),
    ]
    assert sbom.unread == (
        Unread("packages[1] mystery", "has no package URL, so its kind is unknown", "malformed"),
        Unread("packages[2]", "has no name", "malformed"),
        Unread("packages[4] half", "pkg: is not a package URL", "malformed"),
    )


def test_joined_licences_are_told_one_by_one_with_the_words_of_unknown_ones() -> None:
    assert read(SPDX).packages[0].licenses == ("MIT OR Apache-2.0", "Do what you like")


def test_properties_of_other_programs_are_understood() -> None:
    def named(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in pairs]

    root = [("aquasecurity:trivy:ImageID", "sha256:1"), ("aquasecurity:trivy:DiffID", "sha256:2")]
    package = [("syft:package:foundBy", "npm-cataloger"), ("syft:location:0:path", "/a/package.json")]
    sbom = read(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.4",
            "metadata": {"component": {"type": "container", "name": "app:1", "properties": named(root)}},
            "components": [
                {"type": "application", "name": "app/package-lock.json"},
                {
                    "type": "library",
                    "name": "a",
                    "version": "1",
                    "purl": "pkg:npm/a@1",
                    "properties": named([*package, ("syft:location:0:layerID", "sha256:2")]),
                    "licenses": [{"expression": "MIT AND (ISC OR 0BSD)"}],
                },
            ],
        }
    )
    assert sbom.image == ImageIdentity("app:1", id="sha256:1", layers=("sha256:2",))
    assert sbom.packages == (
        Package(
            "npm",
            "a",
            "1",
            licenses=("MIT", "ISC OR 0BSD"),
            found_in=("a/package.json",),
            layer="sha256:2",
            found_by="npm-cataloger",
        ),
    )


GLIBC = {
    "name": "libc6",
    "SPDXID": "SPDXRef-Package-1",
    "versionInfo": "1:2.36-9",
    "sourceInfo": "built package from: glibc 1:2.36-9",
    "externalRefs": [
        {"referenceType": "purl", "referenceLocator": "pkg:deb/debian/libc6@2.36-9?arch=amd64&epoch=1"},
    ],
    "annotations": [{"comment": "LayerDiffID: sha256:2"}, {"comment": "PkgType: debian"}],
}
LIBC = Package(
    "deb",
    "libc6",
    "1:2.36-9",
    namespace="debian",
    arch="amd64",
    source="glibc",
    source_version="1:2.36-9",
    layer="sha256:2",
)


def test_source_packages_are_found_where_trivy_names_them() -> None:
    source = [("SrcName", "glibc"), ("SrcEpoch", "1"), ("SrcVersion", "2.36"), ("SrcRelease", "9")]
    properties = [
        {"name": f"aquasecurity:trivy:{name}", "value": value}
        for name, value in (*source, ("LayerDiffID", "sha256:2"))
    ]
    component = {
        "type": "library",
        "name": "libc6",
        "version": "1:2.36-9",
        "purl": "pkg:deb/debian/libc6@1%3A2.36-9?arch=amd64",
        "properties": properties,
    }
    assert read({"spdxVersion": "SPDX-2.3", "packages": [GLIBC]}).packages == (LIBC,)
    assert read({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]}).packages == (
        LIBC,
    )


@pytest.mark.parametrize("wrapper", ["sbom", "predicate", "SPDX"])
def test_a_document_inside_a_statement_is_read(wrapper: str) -> None:
    assert read({"_type": "any", wrapper: SPDX}) == read(SPDX)


def test_a_document_that_calls_itself_incomplete_is_not_taken_for_whole() -> None:
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "components": [],
        "compositions": [{"aggregate": "incomplete_first_party_only"}],
    }
    assert read(document).unread == (
        Unread("it.json", "the document says of itself that it is incomplete", "malformed"),
    )


def test_an_image_is_known_without_the_relation_that_names_it() -> None:
    document = json.loads(written("spdx-json")) | {"relationships": []}
    assert read(document).image == SBOM.image
    assert "oci" not in {one.type for one in read(document).packages}


def test_what_a_document_is_about_is_a_package_where_it_has_a_url_of_its_own() -> None:
    app = {"bom-ref": "app", "type": "application", "name": "app", "version": "1", "purl": "pkg:npm/app@1"}
    cyclonedx = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": app},
        "components": [],
    }
    spdx = {
        "spdxVersion": "SPDX-2.3",
        "documentDescribes": ["SPDXRef-app"],
        "packages": [
            {
                "SPDXID": "SPDXRef-app",
                "name": "app",
                "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/app@1"}],
            },
            {
                "SPDXID": "SPDXRef-b",
                "name": "b",
                "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/b@2"}],
            },
        ],
        "relationships": [
            {
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relationshipType": "DESCRIBES",
                "relatedSpdxElement": "SPDXRef-app",
            }
        ],
    }
    assert read(cyclonedx).packages == (Package("npm", "app", "1"),)
    assert read(spdx).packages == (Package("npm", "app", "1"), Package("npm", "b", "2"))
    assert read(spdx).image.name == "app"


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"spdxVersion": "SPDX-2.3", "packages": {}}, "packages"),
        ({"spdxVersion": "SPDX-2.3", "packages": None}, "packages"),
        ({"spdxVersion": "SPDX-2.3"}, "packages"),
        ({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": "none"}, "components"),
        ({"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": []}, "components"),
    ],
)
def test_a_document_without_a_list_of_packages_is_no_empty_image(document: dict[str, Any], key: str) -> None:
    assert [one.where for one in read(document).unread] == [key]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text(max_size=8)
    | st.sampled_from(["pkg:npm/a@1", "("]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def changed(value: Any, spots: list[int], new: Any) -> Any:
    """``value`` with ``new`` at the place that ``spots`` leads to."""
    if not spots or not isinstance(value, dict | list) or not value:
        return new
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[spots[0] % len(keys)]
    copy: Any = value.copy()
    copy[key] = changed(value[key], spots[1:], new)
    return copy


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(spots=st.lists(st.integers(0, 40), min_size=1, max_size=6), new=VALUES)
def test_one_odd_value_never_loses_a_package_without_a_word(name: str, spots: list[int], new: Any) -> None:
    document = changed(json.loads(written(name, WHOLE)), spots, new)
    try:
        sbom = read(document)
    except SourceError:
        return
    is_claimed_empty = [] in (document.get(key) for key in ("packages", "components", "artifacts"))
    assert len(sbom.packages) == len(components(WHOLE)) or sbom.unread or is_claimed_empty
    for again in NAMES:
        json.loads(written(again, sbom))


def test_brackets_without_end_and_names_all_alike_cost_little() -> None:
    def convert(size: int) -> None:
        entry = {"name": "a", "SPDXID": "SPDXRef-a", "licenseDeclared": "(" * 8_000 + ")" * 8_000}
        packages = [entry | {"versionInfo": f"{i}" * 3_000} for i in range(75 * size)]
        packages += [{"name": "b", "licenseDeclared": f"MIT AND X{i} OR " * 100} for i in range(75 * size)]
        assert len(read({"spdxVersion": "SPDX-2.3", "packages": packages}).packages) == 150 * size

    assert cost_growth(convert) < 12
