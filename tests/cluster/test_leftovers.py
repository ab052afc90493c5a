"""What a killed run left is cleared away; what a live one holds stays, in whatever container that one runs."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import PREFIX, clear_leftovers, new_folder, remove

HOLDER = """
import sys; sys.path.insert(0, {folder!r})
from processes import new_folder
print(new_folder(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """A run in a PID namespace of its own, where there is one to be had: its process ids are not ours."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = HOLDER.format(folder=str(Path(__file__).parent))
    command = [sys.executable, "-c", source]
    if (
        subprocess.run(["unshare", "--pid", "--fork", "true"], check=False, capture_output=True).returncode
        == 0
    ):
        command = ["unshare", "--pid", "--fork", "--kill-child", *command]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path)}
    ) as run:
        yield run
        run.kill()


def test_the_folder_of_a_live_run_stays_and_goes_once_the_run_was_killed(elsewhere: subprocess.Popen[str]):
    assert elsewhere.stdout is not None
    folder = Path(elsewhere.stdout.readline().strip())
    assert folder.name.startswith(PREFIX)
    clear_leftovers()
    assert folder.is_dir()
    elsewhere.kill()
    elsewhere.stdout.read()
    clear_leftovers()
    assert not folder.exists()


def test_a_folder_of_our_own_stays_until_it_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = new_folder()
    clear_leftovers()
    assert folder.is_dir()
    remove(folder)
    assert list(tmp_path.iterdir()) == []
