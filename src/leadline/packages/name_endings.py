"""Endings of names, asked of every name of an image: most differ already in what follows the last dot."""

from collections.abc import Iterable


class NameEndings:
    """As ``name.endswith(tuple(endings))``, several times as quick where few names have one."""

    def __init__(self, endings: Iterable[str]) -> None:
        self._endings = tuple(endings)
        self._last_parts = frozenset(ending.rpartition(".")[2] for ending in self._endings if "." in ending)
        self._without_dot = tuple(ending for ending in self._endings if "." not in ending)

    def end(self, name: str) -> bool:
        """Whether ``name`` ends with one of them."""
        if name[name.rfind(".") + 1 :] in self._last_parts:
            return name.endswith(self._endings)
        return bool(self._without_dot) and name.endswith(self._without_dot)
