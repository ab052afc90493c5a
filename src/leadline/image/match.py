"""Packages × advisories: one match for every problem of a package, whatever number of feeds and ids tell of it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from leadline.image.database import Database, Hit, Problem, Record
from leadline.image.ecosystems import CPE, orderings
from leadline.image.lookup import plan_lookups
from leadline.image.match_rules import holds_fix_of_channel, is_meant, suppression
from leadline.image.ownership import DISTRIBUTION_TYPES
from leadline.image.priority import urgency
from leadline.image.scoring import rating_of_score
from leadline.model.package import Distro, Package
from leadline.model.vulnerability import (
    Cvss,
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

_CLOSED = frozenset(("not affected", "fixed"))
"""States by which a publisher says that the versions in a range have no problem."""
_NO_FIX: tuple[FixState, ...] = ("wont fix", "end of life", "deferred")
_MOST_EVIDENCE = 20
_MOST_RATINGS = 6
_MOST_LINKS = 5


class _Found(Struct):
    """The ranges of one problem that hold a package's version."""

    package: Package
    problem: Problem
    hits: list[Hit]


class _Known(Struct):
    """What feeds say about the problems that were found."""

    records: Mapping[int, tuple[Record, ...]]
    exploited: Mapping[str, Exploited]
    chances: Mapping[str, ExploitChance]


def match(packages: Sequence[Package], distro: Distro, database: Database) -> Matched:
    """Every problem of every package, worst first; and how far the packages could be matched."""
    plan = plan_lookups(database, packages, distro)
    hits = database.find(plan.wanted)
    problems = database.problems(hit.advisory for hit in hits)
    found: list[_Found] = []
    for place, of_package in groupby(hits, key=lambda hit: hit.place):
        package = packages[place]
        meant = [hit for hit in of_package if is_meant(hit, package)]
        fixed = holds_fix_of_channel(package, plan.streams.get(place, ()), database)
        for problem, theirs in _by_problem(meant, problems).items():
            if not fixed or problem.id not in fixed:
                found.append(_Found(package, problem, theirs))
    known = _known(database, found)
    matches: list[Match] = []
    suppressed: list[Suppressed] = []
    for each in found:
        open_hits = [hit for hit in each.hits if hit.extra.state not in _CLOSED]
        if not open_hits:
            continue
        made = _match(each, open_hits, known)
        by, why = suppression(made, each.hits, _CLOSED)
        if by is None:
            matches.append(made)
        else:
            suppressed.append(Suppressed(made, by, why))
    return Matched(
        tuple(sorted(matches, key=urgency)),
        tuple(sorted(suppressed, key=lambda one: urgency(one.match))),
        plan.coverage,
    )


def _by_problem(hits: Iterable[Hit], problems: Mapping[int, tuple[Problem, ...]]) -> dict[Problem, list[Hit]]:
    grouped: dict[Problem, list[Hit]] = {}
    for hit in hits:
        for problem in problems.get(hit.advisory, ()):
            grouped.setdefault(problem, []).append(hit)
    return grouped


def _known(database: Database, found: Sequence[_Found]) -> _Known:
    problems = {each.problem.id: each.problem for each in found}
    names = [name for problem in problems.values() for name in (problem.name, *problem.aliases)]
    return _Known(database.records(problems), database.exploited(names), database.chances(names))


def _match(found: _Found, hits: Sequence[Hit], known: _Known) -> Match:
    problem = found.problem
    names = (problem.name, *problem.aliases)
    records = known.records[problem.id]
    said = {record.id: record for record in records}
    hits = sorted(hits, key=lambda hit: (hit.stream.channel != "", hit.advisory))
    cvss = tuple(dict.fromkeys(cvss for record in records for cvss in record.detail.cvss))[:_MOST_RATINGS]
    state, fixed_in = _fix(found.package, hits)
    own = [said[hit.advisory] for hit in hits if hit.advisory in said]
    ordered = (*own, *records)
    links = dict.fromkeys(link for record in ordered for link in record.detail.references)
    return Match(
        id=problem.name,
        package=found.package,
        severity=_severity(found.package, hits, own, records),
        state=state,
        fixed_in=fixed_in,
        aliases=problem.aliases,
        evidence=tuple(dict.fromkeys(_evidence(hit, found.package, said) for hit in hits))[:_MOST_EVIDENCE],
        cvss=cvss,
        summary=next((record.detail.summary for record in ordered if record.detail.summary), ""),
        published=min((record.detail.published for record in records if record.detail.published), default=""),
        references=tuple(links)[:_MOST_LINKS],
        weaknesses=tuple(dict.fromkeys(cwe for record in records for cwe in record.detail.weaknesses)),
        exploited=next((known.exploited[name] for name in names if name in known.exploited), None),
        chance=next((known.chances[name] for name in names if name in known.chances), None),
        kind=own[0].detail.kind if own else "security",
    )


def _fix(package: Package, hits: Sequence[Hit]) -> tuple[FixState, tuple[str, ...]]:
    """The state, and the version that every record takes for fixed: the highest of those they name."""
    main = [hit for hit in hits if not hit.stream.channel]
    fixes = {hit.extra.fixed: hit for hit in main if hit.extra.fixed and hit.extra.state == "affected"}
    if fixes:
        ordering = orderings().get(main[0].stream.ecosystem) or orderings()[CPE]
        return "fixed", (max(fixes, key=ordering.key),)
    states = {hit.extra.state for hit in main}
    for state in _NO_FIX:
        if state in states:
            return state, ()
    ends = any(hit.extra.last_affected or hit.extra.before for hit in main)
    if ends or states == {"under investigation"}:
        return "unknown", ()
    return "not fixed", ()


def _severity(
    package: Package, hits: Sequence[Hit], own: Sequence[Record], records: Sequence[Record]
) -> Rating:
    """The word of who looks after the package; else GitHub's, NVD's, anybody's; else by the highest score."""
    ratings: list[Rating] = [hit.extra.severity for hit in hits]
    if package.type in DISTRIBUTION_TYPES:
        ratings += [record.detail.severity for record in own]
    for start in ("github", "nvd", ""):
        ratings += [record.detail.severity for record in records if record.feed.startswith(start)]
    return next((rating for rating in ratings if rating != "unknown"), _by_score(records))


def _by_score(records: Sequence[Record]) -> Rating:
    scores: list[Cvss] = [cvss for record in records for cvss in record.detail.cvss]
    return rating_of_score(max((cvss.score for cvss in scores), default=0.0))


def _evidence(hit: Hit, package: Package, said: Mapping[int, Record]) -> Evidence:
    record = said[hit.advisory]
    return Evidence(record.feed, record.name, hit.stream.name, hit.name, _versions(hit), _how(hit, package))


def _how(hit: Hit, package: Package) -> How:
    if hit.stream.ecosystem == CPE:
        return "CPE"
    is_source = hit.is_source and package.type in DISTRIBUTION_TYPES and hit.name != package.name
    return "source package" if is_source else "package"


def _versions(hit: Hit) -> str:
    says = hit.extra
    start = f"{'>' if says.is_after else '>='} {says.introduced}" if says.introduced else ""
    if says.introduced and says.introduced == says.last_affected:
        return f"= {says.introduced}"
    end = says.fixed or says.before
    parts = [start, f"< {end}" if end else "", f"<= {says.last_affected}" if says.last_affected else ""]
    return ", ".join(filter(None, parts)) or "every version"
