"""Which ids mean the same problem.

Feeds name aliases, and those are joined, with two bounds that keep one wrong alias from joining half the world: a group
has one CVE at most, and an advisory with several CVEs concerns each of them without being their alias.
"""

import re
from collections.abc import Iterable, Iterator

from leadline.model.vulnerability import Advisory

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}", re.IGNORECASE)
_ORDER = ("CVE-", "GHSA-", "GO-", "RUSTSEC-", "PYSEC-")
"""Which id represents its group: the first of these, then any other."""


class ProblemGroups:
    """Collects advisories, then says how they group."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._cves: dict[str, str] = {}
        """The CVE of a group, by its root."""
        self._concerns: dict[int, tuple[str, ...]] = {}

    def add(self, number: int, advisory: Advisory) -> None:
        """``number`` represents the advisory in what ``grouped`` returns."""
        names = tuple(dict.fromkeys((_tidy(advisory.id), *map(_tidy, advisory.aliases))))
        covers = tuple(dict.fromkeys(map(_tidy, advisory.covers)))
        cves = [name for name in names if _CVE.fullmatch(name)]
        if covers:
            self._concerns[number] = covers
        elif len(cves) > 1:
            self._concerns[number] = tuple(cves)
        else:
            self._concerns[number] = names[:1]
            for name in names[1:]:
                self._join(names[0], name)
        for name in self._concerns[number]:
            self._root(name)

    def drop(self, numbers: Iterable[int]) -> None:
        """Forgets advisories; what they said about aliases stays."""
        for number in numbers:
            self._concerns.pop(number, None)

    def grouped(self) -> tuple[list[tuple[str, ...]], Iterator[tuple[int, int]]]:
        """The names of each problem, the best first; and pairs of an advisory's number and a place in that list."""
        members: dict[str, list[str]] = {}
        for name in self._parents:
            members.setdefault(self._root(name), []).append(name)
        places = {root: place for place, root in enumerate(members)}
        problems = [tuple(sorted(names, key=_rank)) for names in members.values()]
        pairs = (
            (number, place)
            for number, names in self._concerns.items()
            for place in sorted({places[self._root(name)] for name in names})
        )
        return problems, pairs

    def _root(self, name: str) -> str:
        parent = self._parents.get(name)
        if parent is None:
            self._parents[name] = name
            if _CVE.fullmatch(name):
                self._cves[name] = name
            return name
        path = []
        while parent != name:
            path.append(name)
            name, parent = parent, self._parents[parent]
        for passed in path:
            self._parents[passed] = name
        return name

    def _join(self, one: str, other: str) -> None:
        first, second = self._root(one), self._root(other)
        cve, its = self._cves.get(first, ""), self._cves.get(second, "")
        if first == second or (cve and its):
            return
        self._parents[second] = first
        if its:
            self._cves[first] = its


def _tidy(name: str) -> str:
    name = name.strip()
    return name.upper() if _CVE.fullmatch(name) else name


def _rank(name: str) -> tuple[int, str]:
    place = next((place for place, start in enumerate(_ORDER) if name.startswith(start)), len(_ORDER))
    return place, name
