"""A document that was told before is told again as it would be made anew, and only then."""

import json
from pathlib import Path

import pytest

from image_archives import Blobs, docker_archive, layer, write_files
from leadline.programs.cli.main import main
from leadline.scans.images import lazy_sbom

FORMATS = ["cyclonedx-json", "spdx-json", "syft-json"]
STATUS = b"Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: all\n"
FILES: dict[str, bytes | str | None] = {
    "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
    "var/lib/dpkg/status": STATUS,
    "srv/node_modules/ms/package.json": b'{"name": "ms", "version": "2", "description": "\\"timestamp\\":\\"\\""}',
}


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def told(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def told(*words: str, at: int = 1_700_000_000) -> tuple[int, str, str]:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(at))
        code = main(["image", "sbom", *words])
        return code, *capfd.readouterr()

    return told


@pytest.fixture
def nothing_made(monkeypatch: pytest.MonkeyPatch):
    """Call it, and from then on making a bill is an error."""

    def refuse(*_: object) -> None:
        raise AssertionError("made anew")

    return lambda: monkeypatch.setattr(lazy_sbom, "make_sbom", refuse)


@pytest.mark.parametrize("format", FORMATS)
def test_known_document_is_the_one_made_anew_whatever_the_moment(told, nothing_made, format: str):
    docker_archive(Path("web.tar"), [layer(FILES)])
    anew = [told("web.tar", "-f", format, "--no-cache", at=at) for at in (1, 86_400)]
    first = told("web.tar", "-f", format, at=1)
    nothing_made()
    assert [told("web.tar", "-f", format, at=at) for at in (1, 86_400)] == anew
    assert first == anew[0]
    assert anew[0][1] != anew[1][1]


def test_other_content_under_the_same_name_is_another_document(told):
    docker_archive(Path("web.tar"), [layer(FILES)])
    told("web.tar", "-f", "syft-json")
    docker_archive(Path("web.tar"), [layer({**FILES, "var/lib/dpkg/status": STATUS.replace(b"5.2", b"5.3")})])
    document = json.loads(told("web.tar", "-f", "syft-json")[1])
    assert [one["version"] for one in document["artifacts"] if one["name"] == "bash"] == ["5.3"]


def test_same_content_under_another_name_is_another_document(told):
    docker_archive(Path("web.tar"), [layer(FILES)])
    told("web.tar", "-f", "syft-json")
    Path("web.tar").rename("shop.tar")
    assert json.loads(told("shop.tar", "-f", "syft-json")[1])["source"]["name"] == "shop.tar"


def test_what_was_not_read_is_told_again_and_fails_again(told, nothing_made):
    files = {**FILES, "usr/lib/python3/dist-packages/x.dist-info/METADATA": b"no metadata"}
    docker_archive(Path("web.tar"), [layer(files)])
    words = ("web.tar", "-f", "cyclonedx-json", "--fail-on", "unread")
    first = told(*words)
    nothing_made()
    assert told(*words) == first
    assert first[0] == 1
    assert "1 not read" in first[2]
    assert "x.dist-info/METADATA" in first[2]


def test_image_with_a_layer_cut_short_is_not_known(told):
    blobs = Blobs()
    write_files(Path("cut"), blobs.files([blobs.image([layer(FILES)[:1550]], "plain")]))
    first = told("cut", "-f", "cyclonedx-json")
    assert "not read: layer " in first[2]
    assert told("cut", "-f", "cyclonedx-json") == first
    kept = [path.read_bytes() for path in Path("cache/leadline/layers").glob("*")]
    assert not [content for content in kept if b"bom-1.6" in content]
