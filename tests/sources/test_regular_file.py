"""Files that others put there, read as a whole or not at all."""

from pathlib import Path

import pytest

from leadline.sources.regular_file import TooLargeError, read_regular, read_whole


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
