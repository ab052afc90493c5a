"""Profiles in a file: what an agent left is read, and nothing else is overwritten."""

import os
from pathlib import Path

import pytest

from leadline.errors import StoreError
from leadline.model.container import Container
from leadline.model.profile import Profile
from leadline.scans.observing.profile_file import ProfileFile

PROFILES = [Profile(Container(name), "complete", ()) for name in ("one", "two")]


def test_what_is_written_is_read(tmp_path: Path):
    place = tmp_path / "profiles"
    ProfileFile(str(place)).write(PROFILES)
    again = ProfileFile(str(place))
    assert again.read() == PROFILES
    assert again.written_s == place.stat().st_mtime
    assert place.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["profiles"]


def test_no_file_holds_no_profiles(tmp_path: Path):
    assert ProfileFile(str(tmp_path / "profiles")).read() == []


@pytest.mark.parametrize("content", ["no json\n", "{}\n", "[]\n", '{"container": {"id": 7}}\n'])
def test_a_file_of_something_else_is_never_overwritten(tmp_path: Path, content: str):
    place = tmp_path / "notes"
    place.write_text(content)
    with pytest.raises(StoreError, match="does not hold profiles"):
        ProfileFile(str(place)).read()
    assert place.read_text() == content


def test_a_pipe_is_written_and_not_read(tmp_path: Path):
    place = tmp_path / "pipe"
    os.mkfifo(place)
    reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
    try:
        file = ProfileFile(str(place))
        assert file.read() == []
        file.write(PROFILES)
        assert os.read(reader, 1 << 16).count(b"\n") == 2
    finally:
        os.close(reader)
    assert place.is_fifo()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(StoreError, match="cannot write"):
        ProfileFile(str(tmp_path / "no" / "profiles")).write(PROFILES)


def test_a_folder_in_its_place_is_refused_before_anything_is_learnt(tmp_path: Path):
    with pytest.raises(StoreError, match="it is a folder, not a file"):
        ProfileFile(str(tmp_path)).read()
