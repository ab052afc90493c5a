"""What a waiting user is told while layers are read."""

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from leadline.sbom.image import Layer
from leadline.scans.images.layer_progress import LayerProgress
from leadline.sources.oci.layer import PieceLayer, RegionLayer


def piecewise(name: str, sizes: list[int]) -> PieceLayer:
    return PieceLayer(name, lambda: iter([b"x" * size for size in sizes]), size_bytes=sum(sizes))


def drained(layer: Layer) -> str:
    if isinstance(layer, PieceLayer):
        for _ in layer.pieces():
            pass
    return layer.diff_id


def test_bytes_are_told_as_they_come_and_layers_as_they_end():
    said: list[str] = []
    layers = [piecewise("a", [2_000_000, 3_000_000])]
    assert list(LayerProgress("web:1", said.append)(drained, layers)) == ["a"]
    assert said == [
        "0 of 1 layers, 0 of 5 MB of web:1",
        "0 of 1 layers, 2 of 5 MB of web:1",
        "0 of 1 layers, 5 of 5 MB of web:1",
        "1 of 1 layers, 5 of 5 MB of web:1",
    ]


def test_several_layers_keep_their_order_and_count_to_the_end():
    said: list[str] = []
    layers = [piecewise(name, [1_000_000] * 3) for name in "abcdef"]
    assert list(LayerProgress("web:1", said.append)(drained, layers)) == list("abcdef")
    assert said[0] == "0 of 6 layers, 0 of 18 MB of web:1"
    assert "6 of 6 layers, 18 of 18 MB of web:1" in said


def test_a_layer_that_is_read_twice_starts_again():
    said: list[str] = []

    def twice(layer: Layer) -> None:
        drained(layer)
        drained(layer)

    list(LayerProgress("web:1", said.append)(twice, [piecewise("a", [4_000_000])]))
    assert max(said) == "1 of 1 layers, 4 of 4 MB of web:1"


def test_a_layer_that_memory_knew_counts_as_come():
    said: list[str] = []
    list(LayerProgress("web:1", said.append)(lambda layer: None, [piecewise("a", [4_000_000])]))
    assert said[-1] == "1 of 1 layers, 4 of 4 MB of web:1"


def test_nothing_is_counted_where_there_is_a_folder_alone():
    said: list[str] = []
    assert list(LayerProgress("app", said.append)(drained, [RegionLayer("", 0, 0, 0)])) == [""]
    assert said == []


def test_what_a_layer_raises_is_raised():
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise OSError("gone")

    layers = [PieceLayer("a", broken, size_bytes=1), piecewise("b", [1])]
    with pytest.raises(OSError, match="gone"):
        list(LayerProgress("web:1", [].append)(drained, layers))


def test_layers_that_nobody_waits_for_any_more_are_not_begun():
    begun: list[str] = []
    wait = threading.Event()

    def read(layer: Layer) -> str:
        begun.append(layer.diff_id)
        if layer.diff_id != "a":
            wait.wait(10)
        return layer.diff_id

    answers = LayerProgress("web:1", str)(read, [piecewise(name, [1]) for name in "abcdef"])
    threads = set(threading.enumerate())
    assert next(answers) == "a"
    answers.close()
    wait.set()
    for thread in set(threading.enumerate()) - threads:
        thread.join(10)
    assert set(begun) <= {"a", "b", "c"}


@pytest.mark.parametrize("given", [0, 1])
def test_where_no_more_threads_can_be_had_every_layer_is_read_once(monkeypatch, given: int):
    left = [given]
    start = threading.Thread.start

    def start_while_there_are(thread: threading.Thread) -> None:
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_while_there_are)
    read: list[str] = []

    def noted(layer: Layer) -> str:
        read.append(layer.diff_id)
        return layer.diff_id

    layers = [piecewise(name, [1]) for name in "abcdef"]
    assert list(LayerProgress("web:1", str)(noted, layers)) == list("abcdef")
    assert read == list("abcdef")


@pytest.mark.parametrize("fails", [True, False])
def test_a_layer_half_way_is_given_up_when_nobody_waits(fails: bool):
    before = set(threading.enumerate())
    half_way = threading.Event()

    def without_end() -> Iterator[bytes]:
        while True:
            yield b"x"
            half_way.set()

    def read(layer: Layer) -> str:
        if layer.diff_id == "endless":
            return drained(layer)
        half_way.wait(10)
        if fails:
            raise OSError("gone")
        return layer.diff_id

    answers = LayerProgress("web:1", str)(read, [piecewise("a", [1]), PieceLayer("endless", without_end)])
    if fails:
        with pytest.raises(OSError, match="gone"):
            next(answers)
    else:
        assert next(answers) == "a"
        answers.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("fault", [OSError("gone"), KeyboardInterrupt(), SystemExit(1)])
def test_a_fault_of_a_late_layer_is_raised_at_its_turn_and_ends_the_threads(fault: BaseException):
    before = set(threading.enumerate())

    def read(layer: Layer) -> str:
        if layer.diff_id == "e":
            raise fault
        return layer.diff_id

    answers = LayerProgress("web:1", str)(read, [piecewise(name, [1]) for name in "abcdefgh"])
    assert [next(answers) for _ in "abcd"] == list("abcd")
    with pytest.raises(type(fault)):
        next(answers)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ranks threads")
def test_the_thread_of_the_largest_layer_goes_first():
    own = os.getpriority(os.PRIO_PROCESS, 0)
    both = threading.Barrier(2)

    def rank(layer: Layer) -> tuple[str, int]:
        both.wait(10)
        return layer.diff_id, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    ranks = dict(LayerProgress("web:1", str)(rank, [piecewise("a", [2]), piecewise("b", [1])]))
    assert sorted(ranks.values()) == [own, min(19, own + 10)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
