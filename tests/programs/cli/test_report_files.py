"""What ``--output`` may touch: never what a link leads to, never what is scanned, and nothing that blocks."""

import os
import sys
import threading
from pathlib import Path

import pytest

from leadline.errors import StoreError
from leadline.programs.cli.main import main
from leadline.whole_file import open_folder

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true, containers: []}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "pod.yaml").write_text(POD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_link_is_not_followed(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "precious").write_text("kept")
    (folder / "report.txt").symlink_to("precious")
    assert main(["scan", "tree", "-f", "lines", "-o", "report.txt"]) == 3
    assert "report.txt is a symbolic link" in capsys.readouterr().err
    assert (folder / "precious").read_text() == "kept"


@pytest.mark.parametrize("output", ["out/report.txt", "tree/out/report.txt", "tree/out/new/report.txt"])
def test_nor_is_one_on_the_way(folder: Path, output: str):
    (folder / "elsewhere").mkdir()
    (folder / "out").symlink_to("elsewhere")
    (folder / "tree/out").symlink_to(folder / "elsewhere")
    assert main(["scan", "tree", "-f", "lines", "-o", output]) == 3
    assert list((folder / "elsewhere").rglob("*.txt")) == []


def test_a_dangling_link_makes_no_file(folder: Path):
    (folder / "report.txt").symlink_to(folder / "absent")
    assert main(["scan", "tree", "-f", "lines", "-o", "report.txt"]) == 3
    assert not (folder / "absent").exists()


def test_an_unfinished_file_of_another_is_left_alone(folder: Path):
    (folder / "report.txt.part").symlink_to("precious")
    assert main(["scan", "tree", "-f", "lines", "-o", "report.txt"]) == 0
    assert not (folder / "precious").exists()
    assert (folder / "report.txt").read_text().count("\n") > 0
    assert sorted(p.name for p in folder.iterdir()) == ["report.txt", "report.txt.part", "tree"]


@pytest.mark.parametrize("target", ["tree", ".", "tree/pod.yaml"])
def test_what_is_scanned_is_not_overwritten(folder: Path, target: str, capsys: pytest.CaptureFixture[str]):
    assert main(["scan", target, "-f", "json", "-o", "tree/pod.yaml"]) == 2
    assert "would take the place of" in capsys.readouterr().err
    assert (folder / "tree/pod.yaml").read_text() == POD


@pytest.mark.parametrize("format", ["json", "sarif"])
def test_a_report_of_an_earlier_scan_is(folder: Path, format: str):
    for _ in range(2):
        assert main(["scan", "tree", "-f", format, "-o", "tree/report.json"]) == 0
    (folder / "tree/report.json").write_text("{}")
    assert main(["scan", "tree", "-f", format, "-o", "tree/report.json"]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_a_pipe_without_a_reader_does_not_block(folder: Path, capsys: pytest.CaptureFixture[str]):
    os.mkfifo(folder / "pipe")
    codes: list[int] = []
    writer = threading.Thread(target=lambda: codes.append(main(["scan", "tree", "-o", "pipe"])), daemon=True)
    writer.start()
    writer.join(60.0)
    assert codes == [3]
    assert "without a reader" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_a_pipe_with_a_reader_gets_the_whole_report(folder: Path):
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert main(["scan", "tree", "-f", "lines", "-o", "pipe"]) == 0
        assert b"pod.yaml" in os.read(reader, 1 << 20)
    finally:
        os.close(reader)


@pytest.mark.parametrize("where", [".", "/"])
def test_nor_is_one_in_the_scanned_folder_however_it_is_named(
    folder: Path, where: str, monkeypatch: pytest.MonkeyPatch
):
    """A repository could otherwise say where in the machine its own report goes."""
    (folder / "elsewhere").mkdir()
    (folder / "tree/out").symlink_to(folder / "elsewhere")
    monkeypatch.chdir(where)
    output = str(folder / "tree/out/report.txt")
    assert main(["scan", str(folder / "tree"), "-f", "lines", "-o", output]) == 3
    assert list((folder / "elsewhere").iterdir()) == []


def test_a_folder_that_became_a_link_after_it_was_looked_at_is_not_written_to(folder: Path):
    (folder / "elsewhere").mkdir()
    (folder / "reports").symlink_to("elsewhere")
    with pytest.raises(StoreError, match="reports is a symbolic link"):
        open_folder(Path("reports/out.json"))
    os.close(open_folder(Path("elsewhere/out.json")))
    os.close(open_folder(folder / "elsewhere" / "out.json"))
