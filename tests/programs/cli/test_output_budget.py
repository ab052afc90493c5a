"""What a small file can make a report into."""

from pathlib import Path

import pytest

from leadline.programs.cli.main import main

CONTAINERS = 500


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    listed = ", ".join(f"{{name: c{number}, image: a}}" for number in range(CONTAINERS))
    text = f"{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{listed}]}}}}\n"
    (tmp_path / "x.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_excerpts_of_one_long_line_stay_short(capfd: pytest.CaptureFixture[str]):
    """Every line was indented by the column in the file: 11 KB became 143 MB."""
    assert main(["scan", "x.yaml", "-v", "-f", "pretty"]) == 0
    out = capfd.readouterr().out
    assert len(out) < 400_000
    assert max(map(len, out.splitlines())) <= 100
    assert f"{CONTAINERS - 20} more places on this line" in out


@pytest.mark.parametrize("format", ["json", "lines", "sarif"])
def test_other_formats_grow_with_what_they_list(format: str, capfd: pytest.CaptureFixture[str]):
    assert main(["scan", "x.yaml", "-f", format]) == 0
    assert len(capfd.readouterr().out) < 10_000 * CONTAINERS
