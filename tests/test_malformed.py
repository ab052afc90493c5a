"""What a person or another program hands us, and is not text or has no end of depth, costs one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from leadline.errors import SourceError
from leadline.outputs.documents.baseline import decoded_baseline
from leadline.outputs.documents.joint_report import decoded_joint_report
from leadline.outputs.documents.report_document import decode, is_report
from leadline.scans.access.differences import read_state

NO_TEXT = b'{"format":"\xff","version":"\xff","findings":["\xff"],"paths":["\xff"]}'
DEEP = b'{"format":' + b"[" * 100_000
READERS: dict[str, Callable[[bytes, Path], object]] = {
    "baseline": lambda content, _: decoded_baseline(content, "b.json"),
    "report": lambda content, _: decode(content),
    "joint report": lambda content, _: decoded_joint_report(content, "j.json"),
    "access": lambda content, file: (file.write_bytes(content), read_state(str(file))),
}


@pytest.mark.parametrize("content", [NO_TEXT, DEEP], ids=["not text", "deep"])
@pytest.mark.parametrize("reader", READERS)
def test_it_is_refused_in_a_line(tmp_path: Path, reader: str, content: bytes):
    with pytest.raises(SourceError):
        READERS[reader](content, tmp_path / "given.json")


def test_it_is_not_taken_for_a_report():
    assert not is_report(NO_TEXT)
    assert not is_report(DEEP)
