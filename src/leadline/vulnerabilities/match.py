"""Packages × advisories: one match for every problem of a package, whatever number of feeds and ids describe it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Literal, NamedTuple

from leadline.model.package import DISTRIBUTION_TYPES, Distro, Package
from leadline.model.vulnerability import (
    Evidence,
    ExploitChance,
    Exploited,
    FixState,
    How,
    Match,
    Matched,
    Rating,
    Suppressed,
)
from leadline.packages.root_io import CHANNEL
from leadline.vulnerabilities.database import Database, Detail, Extra, Hit, Problem, Record
from leadline.vulnerabilities.ecosystems import CPE, orderings
from leadline.vulnerabilities.lookup import Plan, plan_lookups
from leadline.vulnerabilities.match_rules import (
    holds_fix_of_line,
    is_for_all,
    is_meant,
    spoken_of,
    suppression,
)
from leadline.vulnerabilities.priority import urgency

_By = Literal["publisher", "rule", "linker", "distribution"]
_CLOSED = frozenset(("not affected", "fixed"))
"""States by which a publisher says that the versions in a range have no problem."""
_NO_FIX: tuple[FixState, ...] = ("wont fix", "end of life", "deferred")
_MOST_EVIDENCE = 20
_MOST_LINKS = 5


class _Found(NamedTuple):
    """The ranges of one problem that hold a package's version."""

    package: Package
    problem: Problem
    hits: list[Hit]
    installed_by: str = ""
    """The package of the distribution that answers for it."""


class _Known(NamedTuple):
    """What feeds say about the problems that were found."""

    records: Mapping[int, Record]
    """The advisories of the hits."""
    exploited: Mapping[str, Exploited]
    chances: Mapping[str, ExploitChance]


def match(packages: Sequence[Package], distro: Distro, database: Database) -> Matched:
    """Every problem of every package, worst first; and how far the packages could be matched."""
    plan = plan_lookups(database, packages, distro)
    found = list(_found(packages, plan, database))
    known = _known(database, found)
    matches: list[Match] = []
    suppressed: list[Suppressed] = []
    for each in found:
        open_hits = [hit for hit in each.hits if hit.extra.state not in _CLOSED]
        if not open_hits:
            continue
        made = _match(each, open_hits, known)
        by: _By | None
        by, why = suppression(made, each.hits, _CLOSED)
        if by is None and each.installed_by:
            by, why = "distribution", f"{each.installed_by} lists its files, so that its advisories count"
        if by is None:
            matches.append(made)
        else:
            states = (hit.extra.state for hit in each.hits if hit.extra.state in _CLOSED)
            is_fixed = by == "publisher" and next(states, "") == "fixed"
            suppressed.append(Suppressed(made, by, why, is_fixed))
    return Matched(
        tuple(sorted(matches, key=urgency)),
        tuple(sorted(suppressed, key=lambda one: urgency(one.match))),
        plan.coverage,
    )


def _found(packages: Sequence[Package], plan: Plan, database: Database) -> Iterator[_Found]:
    hits = database.find(plan.wanted)
    problems = database.problems({hit.advisory for hit in hits})
    for place, of_package in groupby(hits, key=itemgetter(0)):
        package = packages[place]
        by_problem: dict[int, _Found] = {}
        for hit in of_package:
            if not is_meant(hit, package):
                continue
            for problem in problems.get(hit.advisory, ()):
                one = by_problem.get(problem.id)
                if one is None:
                    of = plan.installed_by.get(place, "")
                    one = by_problem[problem.id] = _Found(package, problem, [], of)
                one.hits.append(hit)
        meant = [hit for one in by_problem.values() for hit in one.hits]
        streams = plan.streams.get(place, ())
        if owner := plan.owners.get(place):
            fixed = spoken_of(owner, streams, database)
        else:
            fixed = holds_fix_of_line(package, streams, meant, database)
        yield from (one for one in by_problem.values() if one.problem.id not in fixed and _is_stated(one))


def _is_stated(found: _Found) -> bool:
    """Root.io's records begin with the first version, whatever is affected of it: they say what is fixed, and no more."""
    return any(hit.stream.channel != CHANNEL for hit in found.hits)


def _known(database: Database, found: Sequence[_Found]) -> _Known:
    # Catalogues of attacks speak of CVEs, and a problem that has one goes by it.
    names = {each.problem.name for each in found}
    records = database.advisories({hit.advisory for each in found for hit in each.hits})
    return _Known(records, database.exploited(names), database.chances(names))


def _match(found: _Found, hits: Sequence[Hit], known: _Known) -> Match:
    package, problem, *_ = found
    if len(hits) > 1:
        hits = sorted(hits, key=lambda hit: (hit.stream.channel != "", hit.advisory))
    record = known.records[hits[0].advisory]
    first = record.detail
    said = problem.summary or first
    # An update is titled for what it updates, not for the problem.
    is_own = record.name == problem.name or record.name in problem.aliases
    state, fixed_in = _fix(package, hits)
    return Match(
        id=problem.name,
        package=package,
        severity=_severity(package, hits, said, known.records),
        state=state,
        fixed_in=fixed_in,
        aliases=problem.aliases,
        evidence=_all_evidence(package, hits, known.records),
        cvss=said.cvss,
        summary=(is_own and first.summary) or said.summary or first.summary,
        published=said.published,
        references=_references(first, said),
        weaknesses=said.weaknesses,
        exploited=known.exploited.get(problem.name),
        chance=known.chances.get(problem.name),
        kind=first.kind,
    )


def _references(first: Detail, said: Detail) -> tuple[str, ...]:
    if said is first:
        return first.references
    return tuple(dict.fromkeys((*first.references, *said.references)))[:_MOST_LINKS]


def _fix(package: Package, hits: Sequence[Hit]) -> tuple[FixState, tuple[str, ...]]:
    """The state, and the version that every record takes for fixed: the highest of those they name."""
    if (
        len(hits) == 1
        and hits[0].extra.fixed
        and hits[0].extra.state == "affected"
        and not hits[0].stream.channel
    ):
        return "fixed", (hits[0].extra.fixed,)
    main = [hit for hit in hits if is_for_all(hit.stream, package)]
    fixes = {hit.extra.fixed for hit in main if hit.extra.fixed and hit.extra.state == "affected"}
    if len(fixes) == 1:
        return "fixed", (*fixes,)
    if fixes:
        ordering = orderings().get(main[0].stream.ecosystem) or orderings()[CPE]
        return "fixed", (max(sorted(fixes), key=ordering.key),)
    states = {hit.extra.state for hit in main}
    for state in _NO_FIX:
        if state in states:
            return state, ()
    ends = any(hit.extra.last_affected or hit.extra.before for hit in main)
    if ends or states == {"under investigation"}:
        return "unknown", ()
    return "not fixed", ()


def _severity(package: Package, hits: Sequence[Hit], said: Detail, records: Mapping[int, Record]) -> Rating:
    """The word of who looks after the package; else GitHub's, NVD's, anybody's; else by the highest score."""
    for hit in hits:
        if hit.extra.severity != "unknown":
            return hit.extra.severity
    if package.type in DISTRIBUTION_TYPES:
        for hit in hits:
            rating = records[hit.advisory].detail.severity
            if rating != "unknown":
                return rating
    return said.severity


def _all_evidence(
    package: Package, hits: Sequence[Hit], records: Mapping[int, Record]
) -> tuple[Evidence, ...]:
    if len(hits) == 1:
        return (_evidence(hits[0], package, records),)
    return tuple(dict.fromkeys(_evidence(hit, package, records) for hit in hits))[:_MOST_EVIDENCE]


def _evidence(hit: Hit, package: Package, records: Mapping[int, Record]) -> Evidence:
    record = records[hit.advisory]
    says = hit.extra
    return Evidence(
        record.feed,
        record.name,
        hit.stream.name,
        hit.name,
        versions_text(says),
        _how(hit, package),
        says.imports,
    )


def _how(hit: Hit, package: Package) -> How:
    if hit.stream.ecosystem == CPE:
        return "CPE"
    is_source = hit.is_source and package.type in DISTRIBUTION_TYPES and hit.name != package.name
    return "source package" if is_source else "package"


def versions_text(says: Extra) -> str:
    """The range as a person writes it: ``>= 2.0, < 2.14.1``."""
    start = f"{'>' if says.is_after else '>='} {says.introduced}" if says.introduced else ""
    if says.introduced and says.introduced == says.last_affected:
        return f"= {says.introduced}"
    end = says.before or says.fixed
    parts = [start, f"< {end}" if end else "", f"<= {says.last_affected}" if says.last_affected else ""]
    return ", ".join(filter(None, parts)) or "every version"
