"""What of a lock file is only needed for development, where the file holds the graph and no marks."""

from collections.abc import Iterable, Mapping


def reachable(roots: Iterable[str], edges: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """``roots`` and everything that they lead to."""
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += edges.get(node, ())
    return frozenset(seen)
