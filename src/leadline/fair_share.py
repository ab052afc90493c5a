"""What is kept where there is too much: of everybody as much as of anybody else, so that who makes noise loses his own alone."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T")


def fairly(items: Iterable[T], *shares: Callable[[T], Hashable]) -> list[T]:
    """``items`` in an order of which every beginning holds as many of each share as there are, or as of any other.

    ``shares``, such as the namespace, then the workload in it, name whose an item is, the widest first. Within the
    narrowest the order stays.
    """
    ordered = list(items)
    for share in reversed(shares):
        ranks: Counter[Hashable] = Counter()
        ranked = []
        for one in ordered:
            whose = share(one)
            ranked.append((ranks[whose], one))
            ranks[whose] += 1
        ordered = [one for _, one in sorted(ranked, key=lambda pair: pair[0])]
    return ordered
