"""Fetches and checks in one thread, decompresses in another, while a third looks at the result.

All but the last release the interpreter's lock, so that they keep two cores busy; how soon they get it back is for the
program to choose (``sys.setswitchinterval``).
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from threading import Event, Thread

DEPTH = 6
"""Pieces that may wait, a mebibyte each."""
LOOK_UP_SECONDS = 0.05
"""How often a full queue looks whether anybody still reads."""


class _End:
    """Comes last: ``error`` is what ended the pieces, ``None`` where they came to their end."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def ahead(pieces: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """``pieces``, made by a thread of its own that ends with the block; what it raises is raised to the reader."""
    queue: Queue[bytes | _End] = Queue(DEPTH)
    is_over = Event()
    maker = Thread(target=_make, args=(pieces, queue, is_over), daemon=True)
    maker.start()
    try:
        yield _taken(queue)
    finally:
        is_over.set()
        while not queue.empty():
            try:
                queue.get_nowait()
            except Empty:
                break
        maker.join()


def _make(pieces: Iterator[bytes], queue: "Queue[bytes | _End]", is_over: Event) -> None:
    error: BaseException | None = None
    try:
        for piece in pieces:
            if not _put(piece, queue, is_over):
                break
    except BaseException as raised:
        error = raised
    finally:
        if isinstance(pieces, Generator):
            pieces.close()
    _put(_End(error), queue, is_over)


def _put(item: bytes | _End, queue: "Queue[bytes | _End]", is_over: Event) -> bool:
    """Whether ``item`` found room while the reader was still reading."""
    while not is_over.is_set():
        try:
            queue.put(item, timeout=LOOK_UP_SECONDS)
        except Full:
            continue
        return True
    return False


def _taken(queue: "Queue[bytes | _End]") -> Iterator[bytes]:
    while True:
        item = queue.get()
        if isinstance(item, _End):
            if item.error is not None:
                raise item.error
            return
        yield item
