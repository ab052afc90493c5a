"""A child lists the frameworks: by itself, and with one clear line where it cannot."""

import sys
from pathlib import Path

import pytest

from leadline.errors import SourceError
from leadline.posture.catalogue import load_controls
from leadline.programs.exporter.known_frameworks import known_frameworks
from leadline.scans.posture.frameworks import load_frameworks


def test_nothing_in_the_folder_where_it_is_started_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("msgspec", "leadline"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('run from the folder')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME", raising=False)
    assert known_frameworks() == load_frameworks(load_controls())


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os; os.kill(os.getpid(), 9)", "the process that reads them ended with code -9"),
        ("print('x')", "not JSON at byte 0"),
        ("raise MemoryError", "MemoryError"),
    ],
)
def test_a_child_that_fails_is_one_line(code: str, why: str):
    with pytest.raises(SourceError, match=f"the frameworks cannot be read: .*{why}"):
        known_frameworks((sys.executable, "-c", code))
