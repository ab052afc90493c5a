"""Reads several layers at once, and says how many of them and how many bytes have come."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from msgspec import structs

from leadline.sbom.image import Layer
from leadline.scans.options import Say
from leadline.sources.oci.layer import PieceLayer

MOST_THREADS = 2
"""More would hold more large files in memory at once."""
_LAST = 19
_STEP_BACK = 10
"""Of 19: a tenth of the weight of the first. What it starts for itself inherits it."""


class _GivenUpError(Exception):
    """Ends a layer half-way in its thread."""


class LayerProgress:
    """Stands in for ``map`` over layers (``image.Each``)."""

    def __init__(self, name: str, say: Say) -> None:
        """``name`` is what the image is called on the screen."""
        self._name = name
        self._say = say
        self._arrived: list[int] = []
        """Bytes of each layer as stored; every place is written by one thread alone."""
        self._total = 0
        self._done: list[bool] = []
        self._is_over = False
        """What is still being read is of no use: another layer failed, or the scan was given up."""

    def __call__(self, read: Callable[[Layer], Any], layers: Iterable[Layer]) -> Iterator[Any]:
        """What ``read`` makes of each layer, in their order."""
        waiting = list(layers)
        self._arrived = [0] * len(waiting)
        self._done = [False] * len(waiting)
        self._is_over = False
        self._total = sum(layer.size_bytes for layer in waiting)

        def read_one(i: int) -> Any:
            answer = read(self._counted(i, waiting[i]))
            self._arrived[i], self._done[i] = waiting[i].size_bytes, True
            self._tell()
            return answer

        self._tell()
        if len(waiting) < 2:
            yield from map(read_one, range(len(waiting)))
            return
        try:
            yield from _in_threads(read_one, len(waiting))
        finally:
            self._is_over = True

    def _counted(self, i: int, layer: Layer) -> Layer:
        """``layer``, its bytes counted while they arrive; one in an open file is read too quickly to ask."""
        if not isinstance(layer, PieceLayer):
            return layer

        def pieces() -> Iterator[bytes]:
            # A layer that is asked for twice starts again.
            self._arrived[i] = 0
            for piece in layer.pieces():
                if self._is_over:
                    raise _GivenUpError
                self._arrived[i] += len(piece)
                self._tell()
                yield piece

        return structs.replace(layer, pieces=pieces)

    def _tell(self) -> None:
        if len(self._done) < 2 and not self._total:
            return  # a folder: nothing to count
        came, total = sum(self._arrived) / 1e6, self._total / 1e6
        size = f", {came:,.0f} of {total:,.0f} MB" if total >= 1 else ""
        self._say(f"{sum(self._done)} of {len(self._done)} layers{size} of {self._name}")


def _in_threads(work: Callable[[int], Any], count: int) -> Iterator[Any]:
    """What ``work`` makes of each number below ``count``, in order.

    ``concurrent.futures`` would do it, and brings ``logging``: a twelfth of a scan of a small image.
    """
    from threading import Event, Lock, Thread  # a second scan asks for nothing

    turns, turn, rank = iter(range(count)), Lock(), _ranks(MOST_THREADS)
    answers: list[tuple[Any, BaseException | None]] = [(None, None)] * count
    done = [Event() for _ in range(count)]
    has_ended = Event()

    def run() -> None:
        rank()
        while not has_ended.is_set():
            with turn:
                i = next(turns, None)
            if i is None:
                return
            try:
                answers[i] = work(i), None
            except BaseException as error:  # raised again where the answer is waited for
                answers[i] = None, error
            done[i].set()

    try:
        for started in range(min(count, MOST_THREADS)):
            try:
                # An interrupt does not wait for layers half-way.
                Thread(target=run, daemon=True).start()
            except RuntimeError:  # as many as the pod or user may have
                if not started:
                    yield from map(work, range(count))
                    return
                break
        for i, one in enumerate(done):
            one.wait()
            answer, error = answers[i]
            answers[i] = None, None
            if error is not None:
                raise error
            yield answer
    finally:
        has_ended.set()


def _ranks(threads: int) -> Callable[[], None]:
    """What each of ``threads`` does as it starts: all but the first step back.

    The first gets the largest layer, and all is done when that one is: whatever another thread takes from it
    while there are fewer processors than threads makes the whole scan longer.
    """
    from threading import get_native_id

    ranks = iter(range(threads))

    def rank() -> None:
        # Only Linux ranks threads; elsewhere the whole process would step back.
        if next(ranks) and sys.platform == "linux":
            with suppress(OSError):
                thread = get_native_id()
                step = os.getpriority(os.PRIO_PROCESS, thread) + _STEP_BACK
                os.setpriority(os.PRIO_PROCESS, thread, min(_LAST, step))

    return rank
