"""Statements of others about what was found, in three notations."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.errors import UsageError
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.vulnerability import Match, Matched, VexStatement
from leadline.vulnerabilities.vex import apply_vex
from leadline.vulnerabilities.vex_documents import read_vex

BASH = Package(
    "deb", "bash", "5.2-2", namespace="debian", arch="amd64", qualifiers=(("distro", "debian-12"),)
)
WHOLE = Package("golang", "direct", "v2.0.0", namespace="example.org")
PART = Package("golang", "transitive", "v4.0.0", namespace="example.org")
DIGEST = "sha256:" + "a" * 64
SBOM = Sbom(ImageIdentity("registry.example/team/web:1.2", digest=DIGEST), (BASH, WHOLE, PART))
MATCHED = Matched((Match("CVE-2024-1000", BASH, aliases=("GHSA-1",)), Match("CVE-2024-1000", PART)))


def left(*statements: VexStatement) -> list[str]:
    return [match.package.name for match in apply_vex(MATCHED, statements, SBOM).matches]


def said(
    *products: str, components: tuple[str, ...] = (), ids: tuple[str, ...] = ("CVE-2024-1000",), **more: str
) -> VexStatement:
    status = more.pop("status", "not affected")
    return VexStatement(ids, products, status, components, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (said("pkg:deb/debian/bash"), ["transitive"]),
        (said("pkg:deb/debian/bash@5.2-2?arch=amd64&distro=debian-12"), ["transitive"]),
        (said("pkg:deb/debian/bash", ids=("GHSA-1",)), ["transitive"]),
        (said("pkg:deb/debian/bash", ids=("cve-2024-1000",), status="fixed"), ["transitive"]),
        (said("pkg:golang/example.org/transitive@4.0.0"), ["bash"]),
        (said("pkg:oci/web"), []),
        (said("registry.example/team/web:1.2"), []),
        (said(DIGEST), []),
        (said(f"pkg:oci/web@{DIGEST.replace(':', '%3A')}"), []),
        (said("pkg:oci/web?repository_url=registry.example/team"), []),
        (said("pkg:oci/web?repository_url=registry.example/team/web&tag=1.2"), []),
        (said("pkg:oci/web", components=("pkg:deb/debian/bash",)), ["transitive"]),
        (
            said("pkg:golang/example.org/direct@v2.0.0", components=("pkg:golang/example.org/transitive",)),
            ["bash"],
        ),
    ],
)
def test_a_statement_about_this_takes_the_match_away(statement: VexStatement, expected: list[str]):
    assert left(statement) == expected


@pytest.mark.parametrize(
    "statement",
    [
        said("pkg:deb/debian/bash", ids=("CVE-2024-2000",)),
        said("pkg:deb/debian/bash", status="affected"),
        said("pkg:deb/debian/bash", status="under investigation"),
        said("pkg:deb/debian/bash@5.2-3"),
        said("pkg:deb/ubuntu/bash"),
        said("pkg:rpm/debian/bash"),
        said("pkg:deb/debian/bash?arch=arm64"),
        said("pkg:deb/debian/bash?distro=debian-11"),
        said("pkg:oci/other"),
        said("pkg:oci/web?tag=1.3"),
        said("pkg:oci/web?repository_url=elsewhere.example/team"),
        said(f"pkg:oci/web@sha256%3A{'b' * 64}"),
        said("pkg:oci/other", components=("pkg:deb/debian/bash",)),
        said("pkg:golang/example.org/direct@v9.0.0", components=("pkg:golang/example.org/transitive",)),
        said("pkg:golang/example.org/direct@v2.0.0", components=("pkg:golang/example.org/other",)),
        said("not a product"),
        said(""),
    ],
)
def test_a_statement_about_something_else_takes_nothing_away(statement: VexStatement):
    assert left(statement) == ["bash", "transitive"]


def test_the_latest_statement_counts():
    closed = said("pkg:deb/debian/bash", timestamp="2024-01-02")
    reopened = said("pkg:deb/debian/bash", status="affected", timestamp="2024-01-03")
    assert left(closed, reopened) == left(reopened, closed) == ["bash", "transitive"]
    assert left(reopened, said("pkg:deb/debian/bash", timestamp="2024-01-04")) == ["transitive"]


def test_what_was_taken_away_says_by_whom_and_why():
    statement = said("pkg:deb/debian/bash", justification="component_not_present", author="ops@example.org")
    (one,) = apply_vex(MATCHED, [statement], SBOM).suppressed
    assert (one.by, one.why) == ("VEX", "not affected (component_not_present), ops@example.org")


OPEN = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "author": "ops",
    "timestamp": "2024-01-01T00:00:00Z",
    "statements": [
        {
            "vulnerability": {"name": "CVE-2024-1000"},
            "products": [{"@id": "pkg:oci/web", "subcomponents": [{"@id": "pkg:deb/debian/bash"}]}],
            "status": "not_affected",
            "justification": "component_not_present",
        }
    ],
}
OLD = {
    "@context": "https://openvex.dev/ns",
    "statements": [
        {"vulnerability": "CVE-2024-1000", "products": ["pkg:deb/debian/bash"], "status": "fixed"}
    ],
}
CYCLONE = {
    "bomFormat": "CycloneDX",
    "components": [{"bom-ref": "one", "purl": "pkg:deb/debian/bash@5.2-2"}],
    "vulnerabilities": [
        {"id": "CVE-2024-1000", "analysis": {"state": "false_positive"}, "affects": [{"ref": "one"}]},
        {"id": "CVE-2024-1000", "affects": [{"ref": "one"}]},
    ],
}
LINKED = {
    "bomFormat": "CycloneDX",
    "vulnerabilities": [
        {
            "id": "CVE-2024-1000",
            "analysis": {"state": "not_affected"},
            "affects": [{"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:deb/debian/bash@5.2-2"}],
        }
    ],
}


def full_name(id: str, url: str) -> dict[str, object]:
    return {"product_id": id, "product_identification_helper": {"purl": url}}


CSAF = {
    "document": {
        "publisher": {"name": "ops"},
        "tracking": {"id": "A-1", "current_release_date": "2024-01-01"},
    },
    "product_tree": {
        "branches": [{"branches": [{"product": full_name("b", "pkg:deb/debian/bash")}]}],
        "full_product_names": [full_name("w", "pkg:oci/web")],
        "relationships": [
            {
                "product_reference": "b",
                "relates_to_product_reference": "w",
                "full_product_name": {"product_id": "w:b"},
            }
        ],
    },
    "vulnerabilities": [
        {
            "cve": "CVE-2024-1000",
            "product_status": {"known_not_affected": ["w:b", "gone"], "recommended": ["w"]},
            "flags": [{"label": "component_not_present", "product_ids": ["w:b"]}],
        }
    ],
}


@pytest.mark.parametrize(
    "document", [OPEN, OLD, CYCLONE, LINKED, CSAF], ids=["open", "old", "cyclone", "linked", "csaf"]
)
def test_every_notation_says_the_same(document: dict[str, object]):
    statements = read_vex("x.json", json.dumps(document).encode())
    assert len(statements) == 1
    assert left(*statements) == ["transitive"]


def test_a_product_within_a_product_keeps_its_reason_in_csaf():
    (statement,) = read_vex("x.json", json.dumps(CSAF).encode())
    assert (statement.products, statement.components) == (("pkg:oci/web",), ("pkg:deb/debian/bash",))
    assert (statement.justification, statement.document) == ("component_not_present", "A-1")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"@context": "https://openvex.dev/ns"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"@context": "https://openvex.dev/ns", "statements": [{"status": "maybe"}]}',
    ],
)
def test_what_is_no_vex_document_is_refused_by_name(content: bytes):
    with pytest.raises(UsageError, match=r"x\.json: "):
        read_vex("x.json", content)


def test_deep_trees_end(tmp_path: Path):
    branch: dict[str, object] = {"product": full_name("b", "pkg:deb/debian/bash")}
    for _ in range(200):
        branch = {"branches": [branch]}
    deep = {**CSAF, "product_tree": {"branches": [branch]}}
    assert read_vex("x.json", json.dumps(deep).encode()) == ()


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "statements",
                        "@context",
                        "vulnerabilities",
                        "document",
                        "product_tree",
                        "bomFormat",
                        "products",
                        "status",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
@settings(max_examples=150, deadline=None)
def test_any_json_is_read_or_refused(value: object):
    try:
        read_vex("x.json", json.dumps(value).encode())
    except UsageError:
        return
