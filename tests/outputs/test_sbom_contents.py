"""What stands in bills of materials whatever is in the image: once each, canonical, named when unread, harmless."""

import io
import json
import random
import re
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.unread import Unread
from leadline.outputs.format_registry import find_format
from outputs.sample_packages import SBOM, sbom_page

DOCUMENTS = ("spdx-json", "cyclonedx-json", "syft-json")
NASTY = "a\x1b[31m\u202eb\u200bc\x00<script>&\"'|\ud800(…)" + "x" * 5_000
HOSTILE = Sbom(
    ImageIdentity(NASTY, id=NASTY, digest=NASTY, platform=NASTY, layers=(NASTY,), repo_tags=(NASTY,)),
    tuple(
        Package(
            type,
            name,
            NASTY,
            namespace=NASTY,
            arch=NASTY,
            source=NASTY,
            licenses=(NASTY, "MIT AND (", "", "LicenseRef-" + NASTY, "GPL-2.0-only WITH"),
            found_in=(NASTY, "\n\n"),
            layer=NASTY,
            found_by=NASTY,
            qualifiers=((NASTY, NASTY), ("", ""), ("a", "")),
            subpath="../../" + NASTY,
            cpes=(NASTY, "cpe:2.3:a"),
            supplier="Eve (eve) <e@e> " + NASTY,
            home="javascript:alert(1)",
            description=NASTY,
            depends=(NASTY, ""),
            owned_by=NASTY,
        )
        for type in ("npm", "deb", "rpm", "golang", "maven", "pypi", "swift", "", "no type!", NASTY)
        for name in (NASTY, "", "/", "x")
    ),
    unread=(Unread(NASTY, NASTY, "malformed"),),
    created="2026-01-02T03:04:05Z",
)


def written(name: str, sbom: Sbom = SBOM, **fields: object) -> str:
    out = io.StringIO()
    find_format(name, Sbom).write(sbom, out, sbom_page(**fields))
    return out.getvalue()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_order_of_packages_changes_nothing(name: str) -> None:
    packages = [one for one in SBOM.packages if one.name != "semver"]
    straight = written(name, replace(SBOM, packages=tuple(packages)))
    random.Random(7).shuffle(packages)
    assert written(name, replace(SBOM, packages=tuple(packages))) == straight


@pytest.mark.parametrize("name", ["spdx-json", "cyclonedx-json"])
def test_documents_of_different_content_have_different_names(name: str) -> None:
    def own_name(sbom: Sbom) -> str:
        document = json.loads(written(name, sbom))
        return str(document.get("documentNamespace") or document["serialNumber"])

    assert own_name(SBOM) == own_name(SBOM)
    assert own_name(SBOM) != own_name(replace(SBOM, unread=()))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_package_found_in_several_places_is_one_for_each(name: str) -> None:
    text = written(name)
    assert text.count('"pkg:npm/semver@6.3.1"') == 2
    refs = re.findall(r'"(?:bom-ref|SPDXID|id)":"([^"]*semver[^"]*|[0-9a-f]{16})"', text)
    assert len(refs) == len(set(refs))
    assert "/app/node_modules/semver/package.json" in text
    assert "/app/node_modules/nyc/node_modules/semver/package.json" in text


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_was_not_read_is_in_the_document(name: str) -> None:
    text = written(name)
    for unread in SBOM.unread:
        assert unread.where in text
        assert unread.why in text


@pytest.mark.parametrize(
    ("found_in", "path"),
    [
        (("a.war", "a.war:lib/b.jar"), "/a.war:lib/b.jar"),
        (("a.war", "b.jar"), "/a.war"),
        (("a.war",), "/a.war"),
        ((), ""),
    ],
)
def test_an_archive_within_another_has_its_own_place_in_syft(found_in: tuple[str, ...], path: str) -> None:
    package = Package("maven", "b", "1", namespace="a", found_in=found_in)
    document = json.loads(written("syft-json", replace(SBOM, packages=(package,))))
    assert document["artifacts"][0]["metadata"]["virtualPath"] == path


@pytest.mark.parametrize(
    ("subpath", "type", "name"),
    [
        ("", "github-action", "acme/build"),
        ("init", "github-action", "acme/build/init"),
        (".github/workflows/a.yml", "github-action-workflow", "acme/build/.github/workflows/a.yml"),
    ],
)
def test_actions_are_called_in_syft_as_workflows_call_them(subpath: str, type: str, name: str) -> None:
    package = Package("github", "build", "v1", namespace="acme", subpath=subpath)
    (artifact,) = json.loads(written("syft-json", replace(SBOM, packages=(package,))))["artifacts"]
    assert (artifact["type"], artifact["name"]) == (type, name)


def test_folder_is_called_what_trivy_accepts_in_cyclonedx() -> None:
    document = json.loads(written("cyclonedx-json", replace(SBOM, image=ImageIdentity("srv", "directory"))))
    assert document["metadata"]["component"]["type"] == "application"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_package_urls_are_canonical(name: str) -> None:
    text = written(name)
    for url in (
        "pkg:rpm/redhat/openssl-libs@1.1.1k-6.el8?arch=x86_64&distro=rhel-8.9&epoch=1"
        "&upstream=openssl-1.1.1k-6.el8.src.rpm",
        "pkg:deb/debian/libc6@1:2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc%402.36-9%2Bdeb12u4",
        "pkg:npm/%40babel/core@7.24.0",
        "pkg:pypi/zope-interface@6.1",
        "pkg:golang/cloud.google.com@v0.110.0#cmd/tool",
        "pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1",
        "pkg:gem/rack",
    ):
        assert f'"{url}"' in text


SAMPLES = {"sample": SBOM, "hostile": HOSTILE, "empty": Sbom(ImageIdentity(""), (), created=SBOM.created)}


@pytest.mark.parametrize("sbom", SAMPLES.values(), ids=SAMPLES)
def test_cyclonedx_passes_the_strict_schema_and_the_parser_of_cyclonedx(sbom: Sbom) -> None:
    from cyclonedx.model.bom import Bom
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = written("cyclonedx-json", sbom)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom = Bom.from_json(json.loads(text))  # type: ignore[attr-defined]
    assert len(bom.components) == len(json.loads(text)["components"])


@pytest.mark.parametrize("sbom", SAMPLES.values(), ids=SAMPLES)
def test_spdx_passes_the_rules_and_the_parser_of_spdx(sbom: Sbom) -> None:
    from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    document = json.loads(written("spdx-json", sbom))
    parsed = JsonLikeDictParser().parse(document)
    assert [one.validation_message for one in validate_full_spdx_document(parsed, "SPDX-2.3")] == []
    assert len(parsed.packages) == len(document["packages"])


@pytest.mark.parametrize("name", [*DOCUMENTS, "table"])
@pytest.mark.parametrize("verbose", [False, True])
def test_hostile_names_reach_neither_terminal_nor_log(name: str, verbose: bool) -> None:
    text = written(name, HOSTILE, verbose=verbose, width=80)
    strings: list[str] = text.split("\n") if name == "table" else list(_strings(json.loads(text)))
    assert [one for one in strings if not one.isprintable()] == []


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(text for inner in value.values() for text in _strings(inner))]
    return [text for inner in value for text in _strings(inner)] if isinstance(value, list) else []
