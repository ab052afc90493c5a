"""Ids that mean one problem, held against the rules written down plainly."""

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from leadline.model.vulnerability import Advisory
from leadline.vulnerabilities.problem_groups import ProblemGroups

NAMES = ["CVE-2024-0001", "CVE-2024-0002", "cve-2024-0003", "GHSA-a", "GHSA-b", "GO-1", "PYSEC-1", "X-1"]
names = st.sampled_from(NAMES)
advisories = st.lists(
    st.builds(
        lambda name, aliases, covers: Advisory(name, aliases=tuple(aliases), covers=tuple(covers)),
        names,
        st.lists(names, max_size=3),
        st.lists(names, max_size=2),
    ),
    max_size=10,
)


def grouped(
    found: list[Advisory], superseded: set[int]
) -> tuple[list[tuple[str, ...]], set[tuple[int, int]]]:
    connection = sqlite3.connect(":memory:")
    connection.execute("ATTACH '' AS scratch")
    connection.execute("CREATE TABLE concerns(advisory INT, problem INT, PRIMARY KEY(advisory, problem))")
    connection.execute("CREATE TABLE scratch.superseded(advisory INTEGER PRIMARY KEY)")
    connection.executemany("INSERT INTO scratch.superseded VALUES(?)", [(number,) for number in superseded])
    groups = ProblemGroups(connection)
    for number, one in enumerate(found):
        groups.add(number, one)
    problems = list(groups.grouped())
    assert [number for number, _ in problems] == list(range(1, len(problems) + 1))
    pairs = set(connection.execute("SELECT advisory, problem FROM concerns"))
    connection.close()
    return [names for _, names in problems], pairs


def plainly(
    found: list[Advisory], superseded: set[int]
) -> tuple[list[tuple[str, ...]], set[tuple[int, int]]]:
    """By sets, each alias in turn."""
    groups: list[set[str]] = []
    order: dict[str, int] = {}
    concerns: dict[int, tuple[str, ...]] = {}

    def group_of(name: str) -> set[str]:
        order.setdefault(name, len(order))
        for group in groups:
            if name in group:
                return group
        groups.append({name})
        return groups[-1]

    for number, one in enumerate(found):

        def tidy(name: str) -> str:
            return name.upper() if name.upper().startswith("CVE-") else name

        own = list(dict.fromkeys(map(tidy, (one.id, *one.aliases))))
        cves = [name for name in own if name.startswith("CVE-")]
        if one.covers:
            concerns[number] = tuple(map(tidy, one.covers))
        elif len(cves) > 1:
            concerns[number] = tuple(cves)
        else:
            concerns[number] = (own[0],)
            for name in own[1:]:
                first, second = group_of(own[0]), group_of(name)
                has_cves = [any(each.startswith("CVE-") for each in group) for group in (first, second)]
                if first is not second and not all(has_cves):
                    first |= second
                    groups.remove(second)
        for name in concerns[number]:
            group_of(name)
    groups.sort(key=lambda group: min(order[name] for name in group))
    ranks = ("CVE-", "GHSA-", "GO-", "RUSTSEC-", "PYSEC-", "")

    def rank(name: str) -> tuple[int, str]:
        return next(place for place, start in enumerate(ranks) if name.startswith(start)), name

    places = {name: place for place, group in enumerate(groups, 1) for name in group}
    pairs = {(number, places[name]) for number, each in concerns.items() for name in each}
    return [tuple(sorted(group, key=rank)) for group in groups], {p for p in pairs if p[0] not in superseded}


@given(advisories, st.sets(st.integers(0, 9), max_size=3))
def test_groups_are_those_of_the_plain_rules(found: list[Advisory], superseded: set[int]):
    assert grouped(found, superseded) == plainly(found, superseded)
