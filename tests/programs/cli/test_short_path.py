"""One manifest passes through few files: a reader who follows it keeps them all in mind."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

import leadline.programs.cli
from leadline.programs.cli.main import main

SOURCE = Path(leadline.programs.cli.__file__).parents[2]
OF_CONTROLS = ("posture/controls/", "posture/checks/")
"""The product, a file for each; what they share counts as theirs."""
READ, WRITTEN = ("resource_of", "plain"), ("edit_line",)
"""Called for each object that is made, each scalar in it, each line that is written of it."""
MOST_FILES = 12
POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
    "spec: {containers: [{name: c, image: x, securityContext: {privileged: true}}]}\n"
)


def files_of(frame: FrameType | None) -> Iterator[str]:
    """Ours on the stack of ``frame``, the innermost first."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(SOURCE):
            yield path.relative_to(SOURCE).as_posix()
        frame = frame.f_back


@contextmanager
def followed() -> Iterator[dict[str, set[str]]]:
    """The files on the stacks of each step."""
    found: dict[str, set[str]] = {"read": set(), "judged": set(), "written": set()}

    def look(frame: FrameType, event: str, argument: object) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(str(SOURCE)):
            return
        here, name = next(files_of(frame)), frame.f_code.co_name
        if here.startswith(OF_CONTROLS[0]):
            way = list(files_of(frame))
            asked = max(at for at, file in enumerate(way) if file.startswith(OF_CONTROLS[0]))
            found["judged"].update(way[asked:])  # what lies between two of its functions is its own
        elif name in READ and here.startswith(("model/", "sources/")):
            found["read"].update(files_of(frame))
        elif name in WRITTEN:
            found["written"].update(files_of(frame))

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(before)


def test_one_manifest_passes_through_at_most_twelve_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    (tmp_path / "pod.yaml").write_text(POD)
    monkeypatch.chdir(tmp_path)
    words = ["scan", "pod.yaml", "--no-config", "-f", "lines"]
    main(words)  # whose imports are no part of the path
    with followed() as found:
        assert main(words) == 0
    assert "Privileged container" in capfd.readouterr().out
    assert {step: "programs/cli/main.py" in files for step, files in found.items()} == dict.fromkeys(
        found, True
    )
    way = {file for files in found.values() for file in files if not file.startswith(OF_CONTROLS)}
    assert len(way) <= MOST_FILES, sorted(way)
    named = (Path(__file__).parents[3] / "ARCHITECTURE.md").read_text("utf-8")
    part = named.partition("## The way of a manifest")[2].partition("\n## ")[0]
    assert {file for file in way if f"`{file}`" not in part} == set()
