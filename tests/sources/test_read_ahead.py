import threading
from collections.abc import Iterator

import pytest

from leadline.sources.oci.read_ahead import ahead


def counted(until: int, closed: list[bool], error: Exception | None = None) -> Iterator[bytes]:
    try:
        for number in range(until):
            yield b"%d " % number
        if error is not None:
            raise error
    finally:
        closed.append(True)


def test_pieces_come_in_order_through_several_threads() -> None:
    closed: list[bool] = []
    with ahead(counted(50, closed)) as first, ahead(piece.strip() for piece in first) as second:
        assert [int(piece) for piece in second] == list(range(50))
    assert closed == [True]


def test_error_reaches_the_reader_behind_the_pieces_before_it() -> None:
    with ahead(counted(3, [], ValueError("broken"))) as first, ahead(piece for piece in first) as second:
        got = [next(second) for _ in range(3)]
        with pytest.raises(ValueError, match="broken"):
            next(second)
    assert got == [b"0 ", b"1 ", b"2 "]


def test_reader_that_leaves_half_way_leaves_no_thread() -> None:
    before, closed = threading.active_count(), []
    with ahead(counted(1_000_000, closed)) as first, ahead(piece for piece in first) as second:
        assert next(second) == b"0 "
    assert (threading.active_count(), closed) == (before, [True])
