"""Equal values, each kept once and no longer than anyone else holds it."""

import sys
from collections.abc import Hashable
from typing import Generic, TypeVar

_FEW = 1_000
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class KeptOnce(Generic[K, V]):
    """What changes all the time brings parts that are new each time: those that only this table holds are let go of.

    Dicts and tuples take no weak references, so their references are counted. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._values: dict[K, V] = {}
        self._most = _FEW

    def __len__(self) -> int:
        return len(self._values)

    def one(self, key: K, value: V) -> V:
        """``value``, or the equal one that came first with ``key``; ``key`` is ``value`` itself or does not hold it."""
        if len(self._values) >= self._most:
            self._let_go()
        return self._values.setdefault(key, value)

    def _let_go(self) -> None:
        """Of what nothing else holds. Another thread may just have been given such a value, which is then not shared."""
        for key, value in tuple(self._values.items()):
            # The table, the tuple, the variable and the argument hold it; as its own key, three of them once more.
            if sys.getrefcount(value) <= (7 if key is value else 4):
                self._values.pop(key, None)
        # A part holds others, which are free the next time. As often as the table grows by a quarter costs little.
        self._most = len(self._values) * 5 // 4 + _FEW
