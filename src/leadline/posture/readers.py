"""Whose verdicts or ranks rest on what was read of one world."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from leadline.posture.index import Read


class Readers:
    """The ids of the objects that rest on each read. Most reads have one, and need no set."""

    def __init__(self) -> None:
        self._ids: dict[Read, str | set[str]] = {}

    def add(self, id: str, reads: Iterable[Read]) -> None:
        """Says that ``id`` rests on ``reads``, none of which it was said to rest on before."""
        for read in reads:
            held = self._ids.setdefault(read, id)
            if isinstance(held, set):
                held.add(id)
            elif held != id:
                self._ids[read] = {held, id}

    def forget(self, id: str, reads: Iterable[Read]) -> Iterator[Read]:
        """Those of ``reads``, on which ``id`` rests, that nothing rests on any more."""
        for read in reads:
            held = self._ids[read]
            if isinstance(held, set) and len(held) > 1:
                held.discard(id)
            else:
                del self._ids[read]
                yield read

    def of(self, stale: AbstractSet[Read]) -> Iterator[tuple[Read, Iterable[str]]]:
        """The ids that rest on each of ``stale``."""
        for read in stale & self._ids.keys():
            held = self._ids[read]
            yield read, held if isinstance(held, set) else (held,)
