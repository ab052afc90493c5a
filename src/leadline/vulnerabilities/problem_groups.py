"""Which ids mean the same problem.

Feeds name aliases, and those are joined, with two bounds that keep one wrong alias from joining half the world: a group
has one CVE at most, and an advisory with several CVEs concerns each of them without being their alias.

What advisories say is noted in a database of SQLite's own, on the disk, and joined at the end over numbers: a name takes
some bytes of memory, however many there are.
"""

import re
import sqlite3
from array import array
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from leadline.model.vulnerability import Advisory

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}", re.IGNORECASE)
_ORDER = ("CVE-", "GHSA-", "GO-", "RUSTSEC-", "PYSEC-")
"""Which id represents its group: the first of these, then any other."""
_NOTED = 10_000
"""Rows that are written at a time."""
_TABLES = """
CREATE TABLE scratch.said(advisory INT, first TEXT, name TEXT);
CREATE TABLE scratch.name(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE scratch.member(name INTEGER PRIMARY KEY, problem INT);
"""
_NAMES = """
INSERT INTO scratch.name(name) SELECT name FROM (
    SELECT first AS name, rowid * 2 AS at FROM scratch.said WHERE first IS NOT NULL
    UNION ALL SELECT name, rowid * 2 + 1 FROM scratch.said
) GROUP BY name ORDER BY min(at)
"""
"""Each once, in the order of appearance."""
_ALIASES = """
SELECT a.id, b.id FROM scratch.said CROSS JOIN scratch.name a ON a.name = said.first
CROSS JOIN scratch.name b ON b.name = said.name WHERE said.first IS NOT NULL ORDER BY said.rowid
"""
_CONCERNS = """
INSERT OR IGNORE INTO concerns SELECT said.advisory, member.problem FROM scratch.said
CROSS JOIN scratch.name ON name.name = said.name CROSS JOIN scratch.member ON member.name = name.id
WHERE said.first IS NULL AND said.advisory NOT IN (SELECT advisory FROM scratch.superseded)
"""
_MEMBERS = """
SELECT member.problem, name.name FROM scratch.member CROSS JOIN scratch.name ON name.id = member.name
ORDER BY member.problem, member.name
"""


class ProblemGroups:
    """Collects advisories, then says how they group. ``connection`` has an attached database ``scratch``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._noted: list[tuple[int, str | None, str]] = []
        connection.executescript(_TABLES)

    def add(self, number: int, advisory: Advisory) -> None:
        """``number`` represents the advisory in the table ``concerns``."""
        names = tuple(dict.fromkeys((_tidy(advisory.id), *map(_tidy, advisory.aliases))))
        covers = tuple(dict.fromkeys(map(_tidy, advisory.covers)))
        cves = tuple(name for name in names if _CVE.fullmatch(name))
        if covers or len(cves) > 1:
            concerns = covers or cves
        else:
            concerns = names[:1]
            self._noted += [(number, names[0], name) for name in names[1:]]
        self._noted += [(number, None, name) for name in concerns]
        if len(self._noted) > _NOTED:
            self._write()

    def grouped(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Fills the table ``concerns``; yields the number of each problem with its names, the best first.

        Advisories in ``scratch.superseded`` concern nothing; what they said about aliases stays.
        """
        self._write()
        run = self._connection.execute
        run(_NAMES)
        run("CREATE UNIQUE INDEX scratch.by_name ON name(name)")
        (number,) = run("SELECT count(*) FROM scratch.name").fetchone()
        problems = self._numbered(self._joined(number))
        self._connection.executemany("INSERT INTO scratch.member VALUES(?, ?)", enumerate(problems, 1))
        run(_CONCERNS)
        for problem, members in groupby(run(_MEMBERS), key=itemgetter(0)):
            yield problem, tuple(sorted((name for _, name in members), key=_rank))

    def _write(self) -> None:
        self._connection.executemany("INSERT INTO scratch.said VALUES(?, ?, ?)", self._noted)
        self._noted.clear()

    def _joined(self, number: int) -> "array[int]":
        """The root of each name, by its id."""
        parents = array("I", range(number + 1))
        has_cve = bytearray(number + 1)
        for place, name in self._connection.execute(
            "SELECT id, name FROM scratch.name WHERE name LIKE 'CVE-%'"
        ):
            has_cve[place] = _CVE.fullmatch(name) is not None

        def root(place: int) -> int:
            while parents[place] != place:
                parents[place] = place = parents[parents[place]]
            return place

        for one, other in self._connection.execute(_ALIASES):
            first, second = root(one), root(other)
            if first == second or (has_cve[first] and has_cve[second]):
                continue
            parents[second] = first
            has_cve[first] |= has_cve[second]
        return array("I", map(root, range(number + 1)))

    @staticmethod
    def _numbered(roots: "array[int]") -> Iterator[int]:
        """The problem of each name, counted from 1 in the order in which their names appear."""
        numbers = array("I", bytes(roots.itemsize * len(roots)))
        last = 0
        for root in roots[1:]:
            if not numbers[root]:
                last += 1
                numbers[root] = last
            yield numbers[root]


def _tidy(name: str) -> str:
    name = name.strip()
    return name.upper() if _CVE.fullmatch(name) else name


def _rank(name: str) -> tuple[int, str]:
    place = next((place for place, start in enumerate(_ORDER) if name.startswith(start)), len(_ORDER))
    return place, name
