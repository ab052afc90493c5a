"""Every format of bills of materials: its golden, the official validators, hostile names, and the way back."""

import io
import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline.model.image_report import ImageFinding, ImageReport
from leadline.model.package import Digest, ImageIdentity, Package, Sbom
from leadline.outputs.documents.components import components
from leadline.outputs.documents.declared_licences import is_license_id
from leadline.outputs.format_registry import Asked, Page, find_format, formats_for
from leadline.outputs.rows.no_places import NoPlaces
from leadline.sbom.documents.reader import read_sbom_document
from outputs.gitlab_schemas import CONTAINER_SCANNING
from outputs.sample_sbom import NOT_JUDGED, REPORT, SBOM, VULNERABLE
from outputs.sarif_schema import SARIF

GOLDENS = Path(__file__).parent / "formats" / "goldens" / "sbom"
JSON_FORMATS = ("cyclonedx-json", "spdx-json", "syft-json")
CASES = {
    "sbom.cdx.json": ("cyclonedx-json", SBOM, {}),
    "sbom.spdx.json": ("spdx-json", SBOM, {}),
    "sbom.syft.json": ("syft-json", SBOM, {}),
    "table-60.txt": ("table", SBOM, {"width": 60}),
    "table-80.txt": ("table", SBOM, {"width": 80}),
    "table-80-verbose.txt": ("table", SBOM, {"width": 80, "verbose": True}),
    "table-written.txt": ("table", SBOM, {"width": 80, "asked": Asked(formats=("table", "spdx-json"))}),
    "vulnerable.cdx.json": ("cyclonedx-json", VULNERABLE, {}),
    "vulnerable.json": ("json", VULNERABLE, {}),
    "vulnerable.grype.json": ("grype-json", VULNERABLE, {}),
    "vulnerable.sarif": ("sarif", VULNERABLE, {}),
    "vulnerable.gl.json": ("gitlab", VULNERABLE, {}),
    "vulnerable.xml": ("junit", VULNERABLE, {}),
    "vulnerable.html": ("html", VULNERABLE, {}),
    "vulnerable.prom": ("prometheus", VULNERABLE, {}),
    "vulnerable.md": ("markdown", VULNERABLE, {}),
    "vulnerable.github.txt": ("github", VULNERABLE, {}),
    "unmatched.prom": ("prometheus", REPORT, {}),
    "vulnerable.vex.json": ("openvex", VULNERABLE, {}),
    "vulnerable-60.txt": ("table", VULNERABLE, {"width": 60}),
    "vulnerable-80.txt": ("table", VULNERABLE, {"width": 80}),
    "vulnerable-80-verbose.txt": ("table", VULNERABLE, {"width": 80, "verbose": True}),
    "image-40.txt": ("table", REPORT, {"width": 40}),
    "image-60.txt": ("table", REPORT, {"width": 60}),
    "image-80.txt": ("table", REPORT, {"width": 80}),
    "image-80-verbose.txt": ("table", REPORT, {"width": 80, "verbose": True}),
    "image-colour-gate.txt": (
        "table",
        REPORT,
        {
            "width": 80,
            "colour": True,
            "verdict": "failed: --severity-threshold high, 1 finding at or above it",
            "passed": False,
        },
    ),
}
FOREIGN = ("\x1b", "\x00", "\u202e", "\x9b", "\r")


def page(**fields: object) -> Page:
    return Page(NoPlaces(), **{"at": "2026-01-02T03:04:06Z", "version": "9.9", **fields})


def written(name: str, report: object, **fields: object) -> str:
    out = io.StringIO()
    find_format(name, type(report)).write(report, out, page(**fields))
    return out.getvalue()


@pytest.mark.parametrize("golden", CASES)
def test_output_is_the_golden(golden: str) -> None:
    name, report, fields = CASES[golden]
    text = written(name, report, **fields)
    if os.environ.get("LEADLINE_WRITE_GOLDENS"):
        GOLDENS.mkdir(exist_ok=True)
        (GOLDENS / golden).write_text(text, "utf-8")
    assert text == (GOLDENS / golden).read_text("utf-8")


def test_a_place_is_told_once_with_all_its_lines_and_its_layer() -> None:
    layer = SBOM.image.layers[1]
    details = (
        "token in line 1",
        "token in line 4",
        "key, hidden",
        "token in line 9",
        "key in line 2, hidden",
    )
    found = tuple(
        ImageFinding("high", "Credential", ".env", detail, "revoke it", layer) for detail in details
    )
    text = written("table", ImageReport(SBOM, found), width=200, verbose=True)
    assert "  .env  token in lines 1, 4 and 9, key, hidden, key in line 2, hidden, layer 2 of 2\n" in text
    assert "5   .env\n" in written("table", ImageReport(SBOM, found), width=80)


def test_a_file_at_the_root_is_named_where_room_is_short() -> None:
    found = (ImageFinding("high", "Credential in the image", ".env", "credential by its name in line 1"),)
    assert "1   .env\n" in written("table", ImageReport(SBOM, found), width=60)


def test_every_format_has_a_golden() -> None:
    assert {name for name, _, _ in CASES.values()} == set(formats_for(Sbom)) | set(formats_for(ImageReport))


@pytest.mark.parametrize("name", JSON_FORMATS)
def test_the_same_packages_in_another_order_are_the_same_document(name: str) -> None:
    turned = replace(SBOM, packages=tuple(reversed(SBOM.packages[:3])) + SBOM.packages[3:])
    assert written(name, turned) == written(name, SBOM)


def test_another_moment_is_another_document() -> None:
    later = replace(SBOM, created="2026-01-02T03:04:06Z")
    serials = {json.loads(written("cyclonedx-json", one))["serialNumber"] for one in (SBOM, later)}
    assert len(serials) == 2


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("report", [SBOM, REPORT, VULNERABLE])
def test_the_table_keeps_to_the_width(width: int, report: object) -> None:
    lines = written("table", report, width=width).splitlines()
    assert [line for line in lines if len(line) > width] == []


@pytest.mark.parametrize("report", [SBOM, REPORT, VULNERABLE])
def test_the_table_draws_no_boxes_and_shows_no_control_characters(report: object) -> None:
    text = written("table", report, verbose=True)
    assert re.findall("[\u2500-\u257f]", text) == []
    assert [c for c in FOREIGN if c in text] == []


def test_a_scan_without_findings_does_not_call_the_image_clean() -> None:
    text = written("table", ImageReport(replace(SBOM, unread=()), (), NOT_JUDGED))
    assert text.splitlines()[-1] == ("no findings; vulnerabilities not matched")


def test_an_image_without_packages_says_so() -> None:
    text = written("table", Sbom(ImageIdentity("scratch.tar"), ()), width=80)
    assert text == (
        "scratch.tar   no distribution\n\n"
        "packages       0   none of the known kinds\n"
        "not read       0\n"
        "written     none (use --format spdx-json --output sbom.json)\n\n"
        "0 packages, all input read\n"
    )


# Official validators


def spdx_messages(text: str, folder: Path) -> list[str]:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    path = folder / "sbom.spdx.json"
    path.write_text(text, "utf-8")
    return [message.validation_message for message in validate_full_spdx_document(parse_file(str(path)))]


def cyclonedx_problem(text: str) -> object:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)


@pytest.mark.filterwarnings("ignore")
def test_spdx_is_valid(tmp_path: Path) -> None:
    assert spdx_messages(written("spdx-json", SBOM), tmp_path) == []


def test_purposes_are_words_of_the_schema_of_spdx() -> None:
    """Its pages write ``OPERATING-SYSTEM``, which its schema refuses."""
    packages = json.loads(written("spdx-json", SBOM))["packages"]
    purposes = {one["primaryPackagePurpose"] for one in packages if "primaryPackagePurpose" in one}
    assert purposes == {"CONTAINER", "OPERATING_SYSTEM"}


def test_a_go_module_has_its_whole_path_as_name() -> None:
    names = [
        (one.get("group"), one["name"]) for one in json.loads(written("cyclonedx-json", SBOM))["components"]
    ]
    assert (None, "github.com/spf13/cobra") in names
    assert ("@babel", "code-frame") in names


@pytest.mark.filterwarnings("ignore")
def test_cyclonedx_is_valid() -> None:
    assert cyclonedx_problem(written("cyclonedx-json", SBOM)) is None


@pytest.mark.filterwarnings("ignore")
def test_cyclonedx_with_vulnerabilities_is_valid() -> None:
    text = written("cyclonedx-json", VULNERABLE)
    assert cyclonedx_problem(text) is None
    assert len(json.loads(text)["vulnerabilities"]) == len(VULNERABLE.vulnerabilities)


def test_a_scan_without_a_database_lists_no_vulnerabilities_at_all() -> None:
    """An empty list would say that there are none."""
    assert "vulnerabilities" not in json.loads(written("cyclonedx-json", REPORT))
    nothing = json.loads(written("cyclonedx-json", replace(VULNERABLE, vulnerabilities=())))
    assert nothing["vulnerabilities"] == []


def test_sarif_of_an_image_is_valid() -> None:
    SARIF.validate(json.loads(written("sarif", VULNERABLE)))


@pytest.mark.parametrize("report", [REPORT, VULNERABLE])
def test_gitlab_reads_the_report_of_containers(report) -> None:
    CONTAINER_SCANNING.validate(json.loads(written("gitlab", report)))


def test_junit_of_an_image_counts_what_it_lists() -> None:
    suite = ElementTree.fromstring(written("junit", VULNERABLE)).find("testsuite")
    assert suite is not None
    assert len(suite.findall("testcase/failure")) == int(suite.attrib["failures"])
    assert len(suite.findall("testcase")) == int(suite.attrib["tests"])


@pytest.mark.filterwarnings("ignore")
def test_cyclonedx_is_read_by_its_own_library() -> None:
    from cyclonedx.model.bom import Bom

    bom = Bom.from_json(json.loads(written("cyclonedx-json", SBOM)))
    assert bom.validate()
    assert len(bom.components) == len(components(SBOM)) + 1


def test_a_licence_in_another_case_has_the_spelling_of_the_schema() -> None:
    package = Package("npm", "x", "1", licenses=("APACHE-2.0", "mit", "Net-SNMP", "a b"))
    text = written("cyclonedx-json", replace(SBOM, packages=(package,)))
    assert cyclonedx_problem(text) is None
    told = [one["license"] for one in json.loads(text)["components"][1]["licenses"]]
    assert told == [{"id": "Apache-2.0"}, {"id": "MIT"}, {"name": "Net-SNMP"}, {"name": "a b"}]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_every_licence_that_spdx_knows_is_one_that_cyclonedx_knows() -> None:
    from license_expression import get_spdx_licensing

    names = tuple(name for name in sorted(get_spdx_licensing().known_symbols) if is_license_id(name))
    assert len(names) > 500
    package = Package("npm", "x", "1", licenses=names)
    assert cyclonedx_problem(written("cyclonedx-json", replace(SBOM, packages=(package,)))) is None


texts = st.text(st.characters(exclude_categories=()), max_size=20) | st.sampled_from(
    (
        "",
        "a b",
        "(",
        "@",
        "a/b",
        "../..",
        "\x1b[31m",
        "\u202e",
        "\ud800",
        "NOASSERTION",
        "MIT AND",
        "LicenseRef-x",
        "http://[",
        "https://a/%zz",
    )
)
packages = st.builds(
    Package,
    st.sampled_from(
        (
            "deb",
            "rpm",
            "npm",
            "pypi",
            "golang",
            "maven",
            "generic",
            "swift",
            "huggingface",
            "conan",
            "odd type",
        )
    ),
    texts,
    texts,
    namespace=texts,
    arch=texts,
    source=texts,
    licenses=st.lists(texts, max_size=3).map(tuple),
    found_in=st.lists(texts, max_size=3).map(tuple),
    qualifiers=st.lists(st.tuples(st.sampled_from(("distro", "epoch", "x y", "")), texts), max_size=2).map(
        tuple
    ),
    subpath=texts,
    cpes=st.lists(texts, max_size=1).map(tuple),
    digests=st.lists(st.builds(Digest, st.sampled_from(("sha1", "sha256", "crc")), texts), max_size=2).map(
        tuple
    ),
    supplier=texts | st.just("A (b) <c@d>"),
    home=texts,
    description=texts,
    depends=st.lists(texts, max_size=3).map(tuple),
    owned_by=texts,
)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=25)
@given(st.lists(packages, max_size=4))
def test_hostile_packages_make_valid_documents(
    tmp_path_factory: pytest.TempPathFactory, found: list[Package]
) -> None:
    sbom = replace(SBOM, packages=tuple(found))
    assert cyclonedx_problem(written("cyclonedx-json", sbom)) is None
    assert spdx_messages(written("spdx-json", sbom), tmp_path_factory.mktemp("spdx")) == []


@given(st.lists(packages, max_size=4))
def test_hostile_packages_leave_no_steering_characters(found: list[Package]) -> None:
    for name in (*JSON_FORMATS, "table"):
        text = written(name, replace(SBOM, packages=tuple(found)), verbose=True)
        assert [c for c in FOREIGN if c in text] == []
        if name != "table":
            json.loads(text)


# And back


@pytest.mark.parametrize("name", JSON_FORMATS)
def test_what_is_written_is_read_again(name: str) -> None:
    text = written(name, SBOM)
    again = read_sbom_document(text.encode(), "sbom.json", SBOM.created)
    assert [(one.url, one.package.found_in) for one in components(again)] == [
        (one.url, one.package.found_in) for one in components(SBOM)
    ]
    assert [one.needs for one in components(again)] == [one.needs for one in components(SBOM)]
    assert [(one.where, one.why) for one in again.unread] == [
        ("srv/broken.jar", "java: the archive ends early"),
        ("srv/?[2Jevil.whl", "python: no metadata"),
    ]
    assert (again.distro.id, again.distro.version, again.distro.end_of_life) == ("debian", "12", "2028-06-30")
    assert (again.image.name, again.image.digest) == (SBOM.image.name, SBOM.image.digest)


@pytest.mark.parametrize("name", ["cyclonedx-json", "syft-json"])
def test_a_document_that_was_read_is_written_alike(name: str) -> None:
    once = read_sbom_document(written(name, SBOM).encode(), "a", SBOM.created)
    twice = read_sbom_document(written(name, once).encode(), "b", SBOM.created)
    assert written(name, twice) == written(name, once)
