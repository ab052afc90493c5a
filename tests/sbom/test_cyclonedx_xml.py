"""CycloneDX as XML says what the same document as JSON says."""

import io
import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest

from leadline.errors import SourceError
from leadline.model.package import STATED
from leadline.outputs.format_registry import find_format
from leadline.packages.documents import XML_BYTES, read_xml
from leadline.sbom.documents.carried import MOST_VALUES
from leadline.sbom.documents.cyclonedx_xml import as_json
from leadline.sbom.documents.reader import read_sbom_document
from leadline.scans.images.image_scan import image_scan
from leadline.scans.options import ImageOptions
from outputs.sample_packages import CREATED, SBOM, sbom_page

NAMESPACE = "http://cyclonedx.org/schema/bom/1.6"
ATTRIBUTES = {"type", "bom-ref", "alg"}
INNER = {
    "components": "component",
    "externalReferences": "reference",
    "occurrences": "occurrence",
}


def element(name: str, fields: dict[str, Any], text: str = "") -> str:
    """One of an object, whose fields of ``ATTRIBUTES`` are attributes."""
    attributes = "".join(f" {key}={quoteattr(fields[key])}" for key in fields if key in ATTRIBUTES)
    inner = "".join(member(key, value) for key, value in fields.items() if key not in ATTRIBUTES)
    return f"<{name}{attributes}>{escape(text)}{inner}</{name}>"


def member(key: str, value: object) -> str:
    match key, value:
        case "properties", list():
            inner = "".join(
                f"<property name={quoteattr(one['name'])}>{escape(one['value'])}</property>" for one in value
            )
        case "hashes", list():
            inner = "".join(element("hash", {"alg": one["alg"]}, one["content"]) for one in value)
        case "licenses", list():
            inner = "".join(
                element("license", one["license"])
                if "license" in one
                else f"<expression>{escape(one['expression'])}</expression>"
                for one in value
            )
        case _, list():
            inner = "".join(element(INNER[key], one) for one in value)
        case _, dict():
            return element(key, value)
        case _:
            inner = escape(str(value))
    return f"<{key}>{inner}</{key}>"


def as_xml(document: dict[str, Any]) -> bytes:
    dependencies = "".join(
        f"<dependency ref={quoteattr(one['ref'])}>"
        + "".join(f"<dependency ref={quoteattr(needed)}/>" for needed in one["dependsOn"])
        + "</dependency>"
        for one in document["dependencies"]
    )
    metadata = {
        key: value for key, value in document["metadata"].items() if key in ("component", "properties")
    }
    parts = [element("metadata", metadata), member("components", document["components"])]
    parts.append(f"<dependencies>{dependencies}</dependencies>")
    if "compositions" in document:
        inner = "<composition><aggregate>incomplete</aggregate></composition>"
        parts.append(f"<compositions>{inner}</compositions>")
    return f'<?xml version="1.0"?>\n<bom xmlns="{NAMESPACE}" version="1">{"".join(parts)}</bom>'.encode()


def test_it_says_what_the_same_document_says_as_json():
    out = io.StringIO()
    find_format("cyclonedx-json", type(SBOM)).write(SBOM, out, sbom_page())
    of_json = read_sbom_document(out.getvalue().encode(), "it", CREATED)
    of_xml = read_sbom_document(as_xml(json.loads(out.getvalue())), "it", CREATED)
    assert len(of_json.packages) > 10
    assert of_xml.packages == of_json.packages
    assert (of_xml.distro, of_xml.image, of_xml.unread) == (of_json.distro, of_json.image, of_json.unread)


def test_one_with_a_prefix_is_read_too():
    text = f'<c:bom xmlns:c="{NAMESPACE}"><c:components><c:component type="library"><c:name>x</c:name><c:version>1</c:version>'
    text += "<c:purl>pkg:npm/x@1</c:purl></c:component></c:components></c:bom>"
    (package,) = read_sbom_document(text.encode(), "it", CREATED).packages
    assert (package.type, package.name, package.version) == ("npm", "x", "1")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "iso-8859-1"])
@pytest.mark.parametrize("is_declared", [True, False])
def test_one_is_read_in_the_encoding_it_is_in(encoding: str, is_declared: bool):
    """.NET writes UTF-16 and declares it; PowerShell writes UTF-16 whatever is declared."""
    declared = encoding if is_declared else "utf-8"
    text = f'<?xml version="1.0" encoding="{declared}"?><bom xmlns="{NAMESPACE}"><components><component type="library">'
    text += "<name>\u00e4</name><purl>pkg:npm/x@1</purl></component></components></bom>"
    if encoding == "iso-8859-1" and not is_declared:
        with pytest.raises(SourceError, match="not XML: line 1, column "):
            read_sbom_document(text.encode(encoding), "it", CREATED)
        return
    (package,) = read_sbom_document(text.encode(encoding), "it", CREATED).packages
    assert (package.type, package.name) == ("npm", "x")


def test_one_may_be_as_large_as_others():
    component = (
        f"<component type='library'><name>x</name><description>{'y' * 10_000}</description></component>"
    )
    text = f"<bom xmlns='{NAMESPACE}'><components>{component * 1_000}</components></bom>"
    assert len(text) > XML_BYTES
    assert len(read_sbom_document(text.encode(), "it", CREATED).packages) == 1_000


def test_an_element_costs_what_it_holds_and_no_more():
    """A document of a million empty ones took more than a gigabyte."""
    document = as_json(
        read_xml(f"<bom xmlns='{NAMESPACE}'><components><a name='x'/></components></bom>".encode())
    )
    assert document is not None
    assert document["components"] == [{}]


BOMB = b'<!DOCTYPE bom [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><bom>&b;</bom>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (BOMB, "^it cannot be read: declares a document type"),
        (b"<bom", "^it cannot be read: not XML: line 1, column 0: unclosed token$"),
        (b"<a>" * 200 + b"</a>" * 200, "^it cannot be read: nested too deeply"),
        (b"<project/>", "XML, but not CycloneDX"),
        (b'<bom xmlns="https://other.example/bom/1.4"/>', "XML, but not CycloneDX"),
        (b'<bom xmlns="http://cyclonedx.org/schema/bom/1.1"><components/></bom>', "is CycloneDX 1.1"),
        (b"<a/>" * (MOST_VALUES + 1), "holds more than 1,000,000 values"),
    ],
)
def test_what_is_none_costs_itself_alone(content: bytes, why: str):
    with pytest.raises(SourceError, match=why):
        read_sbom_document(content, "it", CREATED, MOST_VALUES)


def test_one_in_an_image_adds_packages_and_other_xml_is_passed_over(tmp_path: Path):
    component = (
        "<component type='library'><name>x</name><version>1</version><purl>pkg:npm/x@1</purl></component>"
    )
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt/bom.xml").write_text(
        f'<bom xmlns="{NAMESPACE}"><components>{component}</components></bom>'
    )
    (tmp_path / "bom.xml").write_text("<project/>")
    sbom = image_scan(f"dir:{tmp_path}", ImageOptions()).sbom
    assert [(one.name, one.found_in, one.found_by) for one in sbom.packages] == [
        ("x", ("opt/bom.xml",), STATED)
    ]
    assert sbom.unread == ()
