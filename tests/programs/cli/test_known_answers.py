"""A command line is answered from memory as long as its files are what they were, and only then."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from image_archives import Blobs, docker_archive, layer, write_files
from leadline.programs.cli.imaging.again import Answer
from leadline.programs.cli.imaging.flags import FLAGS
from leadline.programs.cli.imaging.request import image_request
from leadline.programs.cli.imaging.run import run
from leadline.programs.cli.main import main
from leadline.programs.cli.words.flag import plain_words

STATUS = b"Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: all\n"
FILES: dict[str, bytes | str | None] = {"etc/os-release": b"ID=debian\n", "var/lib/dpkg/status": STATUS}
NEWER: dict[str, bytes | str | None] = {**FILES, "var/lib/dpkg/status": STATUS.replace(b"5.2", b"5.3")}
FORMAT = ("-f", "cyclonedx-json")
NEVER_NS = 1 << 62
"""A moment long after every change of a file."""


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")


@pytest.fixture
def told(capfd: pytest.CaptureFixture[str]):
    """Tells ``image sbom`` with ``words`` and returns whether it was known, and what was told."""

    def told(*words: str, began_ns: int = NEVER_NS) -> tuple[bool, str, str]:
        known = Answer(["image", "sbom", *words], os.environ, began_ns).is_known()
        if not known:
            tell(["image", "sbom", *words], began_ns)
        return known, *capfd.readouterr()

    return told


def tell(words: list[str], began_ns: int) -> int:
    parsed = plain_words(words[2:], FLAGS)
    assert parsed is not None
    return run(image_request(parsed[0][0], False, parsed[1]), Answer(words, os.environ, began_ns))


def write_layout(folder: Path, files: dict[str, bytes | str | None]) -> None:
    blobs = Blobs()
    write_files(folder, blobs.files([blobs.image([layer(files)], "gzip")]))


def write_oci_archive(path: Path) -> None:
    write_layout(Path("inside"), FILES)
    subprocess.run(["tar", "cf", path, "-C", "inside", "."], check=True)


@pytest.fixture(params=["docker", "oci", "layout"])
def image(request: pytest.FixtureRequest) -> str:
    match request.param:
        case "docker":
            docker_archive(Path("web.tar"), [layer(FILES)])
        case "oci":
            write_oci_archive(Path("web.tar"))
        case _:
            write_layout(Path("web"), FILES)
            return "web"
    return "web.tar"


def test_image_in_files_is_told_again_word_for_word(told, image: str):
    first = told(image, *FORMAT)
    assert not first[0]
    assert "bash" in first[1]
    assert first[2] == "nothing unread\n"
    assert told(image, *FORMAT) == (True, *first[1:])


def test_answer_bears_the_moment_it_is_told(told, image: str, monkeypatch: pytest.MonkeyPatch):
    told(image, *FORMAT)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    again = told(image, *FORMAT)
    anew = told(image, *FORMAT, "--no-cache")
    assert (again[0], anew[0]) == (True, False)
    assert again[1:] == anew[1:]
    assert '"1970-01-02T00:00:00Z"' in again[1]


def test_changed_archive_is_read_anew(told):
    docker_archive(Path("web.tar"), [layer(FILES)])
    told("web.tar", *FORMAT)
    docker_archive(Path("web.tar"), [layer(NEWER)])
    known, document, _ = told("web.tar", *FORMAT)
    assert not known
    assert '"5.3"' in document


def test_link_that_leads_elsewhere_is_followed_anew(told):
    docker_archive(Path("old.tar"), [layer(FILES)])
    docker_archive(Path("new.tar"), [layer(NEWER)])
    Path("web.tar").symlink_to("old.tar")
    told("web.tar", *FORMAT)
    Path("web.tar").unlink()
    Path("web.tar").symlink_to("new.tar")
    known, document, _ = told("web.tar", *FORMAT)
    assert not known
    assert '"5.3"' in document


@pytest.mark.parametrize("gone", ["index.json", "oci-layout", "blobs"])
def test_layout_that_lacks_something_is_no_known_one(told, gone: str):
    write_layout(Path("web"), FILES)
    told("web", *FORMAT)
    Path("web", gone).rename("elsewhere")
    assert not Answer(["image", "sbom", "web", *FORMAT], os.environ, NEVER_NS).is_known()


def test_layer_that_is_gone_is_not_known_to_be_there(told):
    write_layout(Path("web"), FILES)
    told("web", *FORMAT)
    for path in Path("web/blobs/sha256").iterdir():
        if path.read_bytes().startswith(b"\x1f\x8b"):
            path.unlink()
    assert not told("web", *FORMAT)[0]


def test_file_that_may_have_changed_meanwhile_is_not_trusted(told):
    docker_archive(Path("web.tar"), [layer(FILES)])
    changed_ns = Path("web.tar").stat().st_ctime_ns
    told("web.tar", *FORMAT, began_ns=changed_ns + 1_000_000_000)
    assert not told("web.tar", *FORMAT)[0]
    assert told("web.tar", *FORMAT)[0]


def test_other_words_are_another_question(told, image: str):
    told(image, *FORMAT)
    for words in (("-f", "spdx-json"), (*FORMAT, "-q"), (*FORMAT, "--fail-on", "unread")):
        assert not told(image, *words)[0]
        assert told(image, *words)[0]


def test_same_words_in_another_folder_are_another_question(told, monkeypatch: pytest.MonkeyPatch):
    docker_archive(Path("web.tar"), [layer(FILES)])
    told("web.tar", *FORMAT)
    Path("other").mkdir()
    monkeypatch.chdir("other")
    docker_archive(Path("web.tar"), [layer(NEWER)])
    known, document, _ = told("web.tar", *FORMAT)
    assert not known
    assert '"5.3"' in document


@pytest.mark.parametrize("words", [("--no-cache",), ("--debug",), ("-o", "sbom.json")])
def test_such_words_are_always_answered_anew(told, words: tuple[str, ...]):
    docker_archive(Path("web.tar"), [layer(FILES)])
    told("web.tar", *FORMAT, *words)
    assert not told("web.tar", *FORMAT, *words)[0]


def test_table_and_folder_are_always_answered_anew(told):
    docker_archive(Path("web.tar"), [layer(FILES)])
    write_files(Path("root"), {"etc/os-release": b"ID=debian\n", "var/lib/dpkg/status": STATUS})
    for words in (("web.tar",), ("root", *FORMAT)):
        assert not told(*words)[0]
        assert not told(*words)[0]


def test_what_a_scan_finds_is_always_answered_anew(capfd):
    docker_archive(Path("web.tar"), [layer(FILES)])
    words = ["scan", "image", "web.tar", *FORMAT]
    request = image_request("web.tar", True, {"format": ("cyclonedx-json",)})
    assert run(request, Answer(words, os.environ, NEVER_NS)) == 0
    assert "finding" in capfd.readouterr().err
    assert not Answer(words, os.environ, NEVER_NS).is_known()


def test_failed_gate_is_never_answered_from_memory(told):
    files = {**FILES, "usr/lib/python3/dist-packages/x.dist-info/METADATA": b"no metadata"}
    docker_archive(Path("web.tar"), [layer(files)])
    for _ in range(2):
        assert not told("web.tar", *FORMAT, "--fail-on", "unread")[0]


def test_what_was_not_read_is_said_again(told):
    files = {**FILES, "usr/lib/python3/dist-packages/x.dist-info/METADATA": b"no metadata"}
    docker_archive(Path("web.tar"), [layer(files)])
    first = told("web.tar", *FORMAT)
    assert "x.dist-info/METADATA" in first[2]
    assert told("web.tar", *FORMAT) == (True, *first[1:])


def test_names_that_are_no_text_are_remembered_too(told):
    name = os.fsdecode(b"w\xffb\xc3\xa9.tar")
    docker_archive(Path(name), [layer(FILES)])
    first = told(name, *FORMAT)
    assert told(name, *FORMAT) == (True, *first[1:])


def test_harmed_answer_is_no_answer(told):
    docker_archive(Path("web.tar"), [layer(FILES)])
    first = told("web.tar", *FORMAT)
    for path in Path("cache/leadline/layers").iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"X")
    again = told("web.tar", *FORMAT)
    assert not again[0]
    assert again[1:] == first[1:]


def test_folder_that_is_gone_keeps_nothing(told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    docker_archive(Path("web.tar"), [layer(FILES)])
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir("gone")
    (tmp_path / "gone").rmdir()
    assert not told(str(tmp_path / "web.tar"), *FORMAT)[0]
    assert not told(str(tmp_path / "web.tar"), *FORMAT)[0]


def test_wrong_moment_is_refused_from_memory_too(told, capfd, monkeypatch: pytest.MonkeyPatch):
    docker_archive(Path("web.tar"), [layer(FILES)])
    told("web.tar", *FORMAT)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    assert main(["image", "sbom", "web.tar", *FORMAT]) == 2
    assert "SOURCE_DATE_EPOCH must be seconds since 1970 (got soon)" in capfd.readouterr().err


def test_known_answer_needs_none_of_the_libraries(told):
    docker_archive(Path("web.tar"), [layer(FILES)])
    _, document, _ = told("web.tar", *FORMAT, "-q")
    heavy = "{'msgspec', 'pathlib', 'typing', 'threading', 'json', 're'}"
    script = (
        "import sys\nfrom leadline.programs.cli.main import main\n"
        f"main(['image', 'sbom', 'web.tar', '-f', 'cyclonedx-json', '-q'])\n"
        f"print(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (document, "[]\n")
