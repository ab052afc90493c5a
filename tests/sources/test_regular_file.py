"""Files that others put there, read as a whole or not at all."""

import os
from pathlib import Path

import pytest

from leadline.errors import SourceError
from leadline.sources.regular_file import TooLargeError, read_given, read_regular, read_whole


@pytest.mark.parametrize("size", [0, 9, 10, 11, 5_000])
def test_a_file_is_read_as_a_whole_or_refused(tmp_path: Path, size: int):
    file = tmp_path / "a"
    file.write_bytes(b"x" * size)
    assert read_regular(file, 10) == b"x" * min(size, 10)
    if size <= 10:
        assert read_whole(file, 10) == b"x" * size
    else:
        with pytest.raises(TooLargeError, match="it is larger than 10 bytes"):
            read_whole(file, 10)


def test_a_file_that_a_person_named_is_read_whole_or_one_sentence_says_why_not(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"x" * 10)
    assert read_given(file, 10) == b"x" * 10
    os.mkfifo(tmp_path / "pipe")
    for path, most, why in (
        (file, 9, "it is larger than 9 bytes"),
        (tmp_path / "none", 10, "no such file or directory"),
        (tmp_path, 10, "it is a folder, not a file"),
        (tmp_path / "pipe", 10, "it is a named pipe, not a file"),
    ):
        with pytest.raises(SourceError) as raised:
            read_given(path, most)
        assert str(raised.value) == f"cannot read {path}: {why}"
