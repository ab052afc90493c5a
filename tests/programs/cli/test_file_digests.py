"""``--digests``: the checksums of the files that packages were found in."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest

from image_archives import docker_archive, entry, layer, write_files
from leadline.programs.cli.main import main

STATUS = b"Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: all\n"
PROGRAM = b"\x7fELF" + bytes(5000) + b"no program that anybody knows"
OLD, NEW = b'{"name": "ms", "version": "1.0.0"}', b'{"name": "ms", "version": "2.0.0"}'


def jar(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


POM = b"groupId=org.example\nartifactId=inner\nversion=1.0\n"
OUTER = jar(**{"lib/inner-1.0.jar": jar(**{"META-INF/maven/org.example/inner/pom.properties": POM})})
FILES: dict[str, bytes | str | None] = {
    "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
    "var/lib/dpkg/status": STATUS,
    "srv/node_modules/ms/package.json": OLD,
    "srv/outer-2.0.jar": OUTER,
    "opt/program": PROGRAM,
}
EXPECTED = {
    "/var/lib/dpkg/status": STATUS,
    "/srv/node_modules/ms/package.json": NEW,
    "/srv/outer-2.0.jar": OUTER,
}


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    docker_archive(Path("web.tar"), [layer(FILES), layer({"srv/node_modules/ms/package.json": NEW})])


@pytest.fixture
def told(capfd: pytest.CaptureFixture[str]):
    def told(*words: str) -> dict:
        assert main(["image", "sbom", *words]) == 0
        return json.loads(capfd.readouterr().out)

    return told


def sums(content: bytes) -> list[str]:
    return [hashlib.sha1(content, usedforsecurity=False).hexdigest(), hashlib.sha256(content).hexdigest()]


def of_syft(document: dict) -> dict[str, list[str]]:
    return {
        one["location"]["path"]: [d["value"] for d in one["digests"]] for one in document.get("files", ())
    }


def of_spdx(document: dict) -> dict[str, list[str]]:
    return {
        one["fileName"].removeprefix("."): [sum["checksumValue"] for sum in one["checksums"]]
        for one in document.get("files", ())
    }


def of_cyclonedx(document: dict) -> dict[str, list[str]]:
    return {
        one["name"]: [sum["content"] for sum in one["hashes"]]
        for one in document["components"]
        if one["type"] == "file"
    }


FORMATS = {"syft-json": of_syft, "spdx-json": of_spdx, "cyclonedx-json": of_cyclonedx}


@pytest.mark.parametrize("format", FORMATS)
def test_documents_hold_the_checksums_of_what_stands_in_the_image(told, format: str):
    found = FORMATS[format](told("web.tar", "-f", format, "--digests"))
    assert found == {path: sums(content) for path, content in EXPECTED.items()}


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_remembered_of_one_wish_is_not_told_to_the_other(told, format: str):
    read = FORMATS[format]
    plain = told("web.tar", "-f", format)
    assert read(plain) == {}
    assert read(told("web.tar", "-f", format, "--digests")) != {}
    assert told("web.tar", "-f", format) == plain
    assert read(told("web.tar", "-f", format, "--digests", "-q")) != {}


def test_packages_lead_to_their_files(told):
    syft = told("web.tar", "-f", "syft-json", "--digests")
    names = {one["id"]: one["name"] for one in syft["artifacts"]}
    files = {one["id"]: one["location"]["path"] for one in syft["files"]}
    assert {
        (names[one["parent"]], files[one["child"]])
        for one in syft["artifactRelationships"]
        if one["type"] == "evident-by"
    } == {
        ("bash", "/var/lib/dpkg/status"),
        ("ms", "/srv/node_modules/ms/package.json"),
        ("outer", "/srv/outer-2.0.jar"),
        ("inner", "/srv/outer-2.0.jar"),
    }
    spdx = told("web.tar", "-f", "spdx-json", "--digests")
    known = {one["SPDXID"] for one in (*spdx["packages"], *spdx["files"])} | {"SPDXRef-DOCUMENT"}
    ends = {one[end] for one in spdx["relationships"] for end in ("spdxElementId", "relatedSpdxElement")}
    assert ends <= known
    assert len([one for one in spdx["relationships"] if one["relationshipType"] == "OTHER"]) == 4


def test_layers_of_files_are_told(told):
    document = told("web.tar", "-f", "syft-json", "--digests")
    layers = document["source"]["metadata"]["layers"]
    found = {one["location"]["path"]: one["location"]["layerID"] for one in document["files"]}
    assert found["/srv/node_modules/ms/package.json"] == layers[1]["digest"]
    assert found["/var/lib/dpkg/status"] == layers[0]["digest"]


def test_an_executable_is_summed_up_as_a_whole(told):
    nginx = b"\x7fELF" + bytes(1 << 20) + b"\0nginx version: nginx/1.25.3\0" + bytes(1 << 20)
    docker_archive(
        Path("bin.tar"), [layer({"usr/sbin/nginx": nginx}, [entry("usr/bin/web", b"1", "usr/sbin/nginx")])]
    )
    document = told("bin.tar", "-f", "syft-json", "--digests")
    assert [one["name"] for one in document["artifacts"]] == ["nginx"]
    assert of_syft(document) == {"/usr/sbin/nginx": sums(nginx)}


def test_a_file_behind_a_link_is_summed_up_under_the_name_it_was_wanted_by(told):
    status = layer(
        {"usr/share/status": STATUS, "etc/os-release": b"ID=debian\n"},
        [entry("var/lib/dpkg/status", b"2", "/usr/share/status")],
    )
    docker_archive(Path("linked.tar"), [status])
    document = told("linked.tar", "-f", "syft-json", "--digests")
    assert of_syft(document) == {"/var/lib/dpkg/status": sums(STATUS)}


def test_a_project_can_be_asked_too(told):
    lock = json.dumps({"lockfileVersion": 3, "packages": {"node_modules/ms": {"version": "2.0.0"}}}).encode()
    write_files(Path("project"), {"package-lock.json": lock})
    document = told("project", "-f", "syft-json", "--digests")
    assert of_syft(document) == {"/package-lock.json": sums(lock)}


@pytest.mark.filterwarnings("ignore")
def test_documents_with_files_are_valid(told, tmp_path: Path):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    text = json.dumps(told("web.tar", "-f", "cyclonedx-json", "--digests"))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    path = tmp_path / "web.spdx.json"
    path.write_text(json.dumps(told("web.tar", "-f", "spdx-json", "--digests")))
    assert validate_full_spdx_document(parse_file(str(path))) == []


@pytest.mark.parametrize("format", FORMATS)
def test_files_are_no_packages_to_who_reads_the_document(told, format: str):
    Path("doc.json").write_text(json.dumps(told("web.tar", "-f", format, "--digests")))
    again = told("doc.json", "-f", "syft-json")
    assert {one["name"] for one in again["artifacts"]} == {"bash", "ms", "outer", "inner"}
    assert again["descriptor"]["configuration"]["unread"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("web.tar",), "--digests goes into documents; add --format spdx-json, cyclonedx-json or syft-json"),
        (
            ("doc.json", "-f", "syft-json"),
            "digests need the files, and a finished SBOM holds none",
        ),
    ],
)
def test_where_it_makes_no_sense_it_is_refused(told, capfd, words: tuple[str, ...], said: str):
    Path("doc.json").write_text(json.dumps(told("web.tar", "-f", "syft-json")))
    assert main(["image", "sbom", *words, "--digests"]) == 2
    assert capfd.readouterr() == ("", f"leadline: {said}\n")
