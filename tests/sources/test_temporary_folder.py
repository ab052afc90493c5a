"""Temporary folders go away: at the end, by the next one if their process was killed, and however deep they are."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leadline.sources.temporary_folder import remove_left_over, remove_tree, temporary_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks of folders are those of POSIX")

HOLDER = """
import sys, time
from leadline.sources.temporary_folder import temporary_folder
with temporary_folder() as folder:
    (folder / "x").write_text("x")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


def held(place: Path) -> "tuple[subprocess.Popen[bytes], Path]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, env=os.environ | {"TMPDIR": str(place)}
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().decode().strip())


def test_it_is_empty_and_this_users_alone_and_gone_afterwards(place: Path) -> None:
    with temporary_folder() as folder:
        assert list(folder.iterdir()) == []
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_uses_is_not(place: Path) -> None:
    (killed, left), (living, used) = held(place), held(place)
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert left.exists()
        remove_left_over(str(place))
        assert left.exists(), "it may be about to be locked"
        remove_left_over(str(place), young_s=0.0)
        assert not left.exists()
        assert (used / "x").exists()
    finally:
        for process in (killed, living):
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def test_nothing_that_a_link_leads_to_is_removed(place: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep/file").write_text("kept")
    (place / "leadline-scratch-aaaalink").symlink_to(outside)
    left = place / "leadline-scratch-aaaaleft"
    left.mkdir(0o700)
    (left / "link").symlink_to(outside)
    (left / "file").symlink_to(outside / "deep/file")
    remove_left_over(str(place), young_s=0.0)
    assert not left.exists()
    assert (outside / "deep/file").read_text() == "kept"


def test_other_names_and_files_are_left_alone(place: Path) -> None:
    for name in ("other", "leadline-mine", "leadline-scratch-of-my-own"):
        (place / name).mkdir(0o700)
    (place / "leadline-scratch-aaopened").mkdir(0o755)
    (place / "leadline-scratch-aaaafile").write_text("x")
    before = sorted(place.iterdir())
    remove_left_over(str(place), young_s=0.0)
    assert sorted(place.iterdir()) == before


def test_folders_of_another_user_are_left_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "leadline-scratch-bbtheirs").mkdir(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    remove_left_over(str(place), young_s=0.0)
    assert (place / "leadline-scratch-bbtheirs").exists()


@pytest.mark.parametrize("depth", [1, 1_200])
def test_a_tree_deeper_than_any_recursion_is_removed(place: Path, depth: int) -> None:
    top = place / "deep"
    top.mkdir()
    at = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("a", dir_fd=at)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        below = os.open("a", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    (top / "b/c").mkdir(parents=True)
    remove_tree(top)
    assert list(place.iterdir()) == []


def test_time_is_counted_from_the_folders_last_change(place: Path) -> None:
    left = place / "leadline-scratch-aaaaleft"
    left.mkdir(0o700)
    os.utime(left, (0, 0))
    remove_left_over(str(place), young_s=3600.0)
    assert left.exists(), f"{time.time() - left.stat().st_ctime} s old"
