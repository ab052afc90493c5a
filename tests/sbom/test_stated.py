"""Packages that documents in an image state: joined with those that were found, and believed in addition alone."""

import json
from pathlib import Path

import pytest

from leadline.model.package import STATED, Package
from leadline.sbom.documents import carried as module
from leadline.sbom.stated import joined
from leadline.scans.images.image_scan import image_scan
from leadline.scans.options import ImageOptions


def stated(type: str, name: str, version: str, **more: object) -> Package:
    return Package(type, name, version, found_by=STATED, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "document"),
    [
        (Package("pypi", "Jinja2", "3.1"), stated("pypi", "jinja2", "3.1")),
        (Package("pypi", "zope.interface", "5"), stated("pypi", "zope-interface", "5")),
        (Package("golang", "b", "v1.2.3", namespace="x/a"), stated("golang", "b", "1.2.3", namespace="x/a")),
        (Package("golang", "stdlib", "go1.22.1"), stated("golang", "stdlib", "1.22.1")),
        (Package("deb", "bash", "5-1"), stated("deb", "bash", "5-1", arch="amd64")),
        (Package("deb", "bash", "5-2"), stated("deb", "bash", "5-1")),
    ],
)
def test_what_was_found_too_is_one_package(found: Package, document: Package):
    assert list(joined([document, found])) == [found]


@pytest.mark.parametrize(
    ("found", "document"),
    [
        (Package("pypi", "Jinja2", "3.1"), stated("pypi", "jinja2", "3.0")),
        (Package("deb", "bash", "5-1"), stated("deb", "libpq5", "15")),
        (Package("deb", "bash", "5-1"), stated("apk", "bash", "5-r0")),
        (Package("maven", "x", "1", namespace="org.a"), stated("maven", "x", "1", namespace="org.b")),
    ],
)
def test_what_was_not_found_is_added(found: Package, document: Package):
    assert list(joined([document, found])) == [found, document]


def test_several_documents_about_one_package_state_one():
    once = stated("npm", "x", "1", found_in=("a",))
    assert list(joined([once, stated("npm", "x", "1", found_in=("b",))])) == [once]


def test_licences_come_of_a_document_where_none_was_found():
    document = stated("npm", "x", "1", licenses=("MIT",))
    assert [one.licenses for one in joined([document, Package("npm", "x", "1")])] == [("MIT",)]
    assert [one.licenses for one in joined([document, Package("npm", "x", "1", licenses=("0BSD",))])] == [
        ("0BSD",)
    ]


def test_no_document_hides_the_licence_that_another_states():
    documents = [
        stated("npm", "x", "1", licenses=licences) for licences in ((), ("MIT",), ("AGPL-3.0-only",))
    ]
    for found in ([], [Package("npm", "x", "1")]):
        assert [one.licenses for one in joined([*documents, *found])] == [("MIT", "AGPL-3.0-only")]


def test_a_document_says_nothing_that_takes_a_finding_away(tmp_path: Path):
    properties = [
        {"name": "leadline:ownedBy", "value": "bash"},
        {"name": "leadline:linked", "value": "none"},
        {"name": "leadline:builtFor", "value": "windows/arm64"},
    ]
    component = {"name": "x", "version": "v1.0.0", "purl": "pkg:golang/x/y@v1.0.0", "properties": properties}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]}
    (tmp_path / "sbom").mkdir()
    (tmp_path / "sbom/app.json").write_text(json.dumps(document))
    (package,) = image_scan(f"dir:{tmp_path}", ImageOptions()).sbom.packages
    assert (package.owned_by, package.linked, package.built_for) == ("", None, "")
    assert (package.found_in, package.found_by) == (("sbom/app.json",), STATED)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"bomFormat": "CycloneDX", "specVersion": "9"}', "the document is CycloneDX 9"),
        (b'{"bomFormat": "CycloneDX", ' + b"[" * 1_000_001, "the document holds more than 1,000,000 values"),
        (b'{"bomFormat": "CycloneDX", "components": [{', "the document is not valid JSON"),
        (b" " * (module.LARGEST_BYTES + 1), "larger than 64 MiB"),
        (b"<bom/>", "the document is XML, but not CycloneDX"),
    ],
)
def test_a_document_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, why: str):
    (tmp_path / "app.cdx.json").write_bytes(content)
    (unread,) = image_scan(f"dir:{tmp_path}", ImageOptions()).sbom.unread
    assert unread.where == "app.cdx.json"
    assert unread.why.startswith(f"sbom: {why}")


ENVELOPE = b'{"payloadType": "application/vnd.in-toto+json", "payload": "e30=", "signatures": []}'


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("sbom/app.json", ENVELOPE, "the document"),
        (
            "sbom/app.json",
            b'{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}',
            "the document is SPDX 3",
        ),
        (
            "sbom/bom.xml",
            b'<bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>',
            "components: the document lists none",
        ),
        ("opt/sbom.json", b'{"bomForm', "the document is not valid JSON"),
        (
            "opt/bom.json",
            '{"bomFormat": "CycloneDX", "specVersion": "9"}'.encode("utf-16"),
            "the document is CycloneDX 9",
        ),
    ],
)
def test_a_document_that_is_one_by_its_name_or_its_content_alone_is_named(
    tmp_path: Path, name: str, content: bytes, why: str
):
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(content)
    (unread,) = image_scan(f"dir:{tmp_path}", ImageOptions()).sbom.unread
    assert unread.where == name
    assert unread.why.startswith(f"sbom: {why}")


def test_other_files_of_such_names_are_passed_over(tmp_path: Path):
    (tmp_path / "sbom").mkdir()
    (tmp_path / "sbom/notes.txt").write_text("notes")
    (tmp_path / "bom.json").write_text('{"places": ["Bombay"]}')
    (tmp_path / "requirements.txt").write_text("x==1\n")
    assert image_scan(f"dir:{tmp_path}", ImageOptions()).sbom.unread == ()


def test_a_package_without_a_version_is_counted_beside_other_faults(tmp_path: Path):
    components = [{"type": "library", "name": "acmelib", "purl": "pkg:pypi/acmelib"}, {"type": "library"}]
    document = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components}
    (tmp_path / "x.cdx.json").write_text(json.dumps(document))
    (unread,) = image_scan(f"dir:{tmp_path}", ImageOptions()).sbom.unread
    assert unread.why.endswith("has no name; 1 package has no name or no version")
