"""Packages × advisories: one match for every problem of a package, whatever number of feeds and ids describe it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from leadline.image.database import Database, Extra, Hit, Problem, Record
from leadline.image.ecosystems import CPE, orderings
from leadline.image.lookup import plan_lookups
from leadline.image.match_rules import holds_fix_of_channel, is_for_all, is_meant, suppression
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


class _Summary(Struct):
    """What all feeds together say about a problem."""

    said: Mapping[int, Record]
    severity: Rating
    cvss: tuple[Cvss, ...]
    summary: str
    published: str
    references: tuple[str, ...]
    weaknesses: tuple[str, ...]


class _Known(Struct):
    """What feeds say about the problems that were found."""

    summaries: Mapping[int, _Summary]
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
            states = (hit.extra.state for hit in each.hits if hit.extra.state in _CLOSED)
            is_fixed = by == "publisher" and next(states, "") == "fixed"
            suppressed.append(Suppressed(made, by, why, is_fixed))
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
    records = database.records(problems)
    summaries = {number: _summed_up(records.get(number, ())) for number in problems}
    return _Known(summaries, database.exploited(names), database.chances(names))


def _summed_up(records: Sequence[Record]) -> _Summary:
    details = [record.detail for record in records]
    scores = [cvss.score for detail in details for cvss in detail.cvss]
    ratings = (
        detail.severity
        for start in ("github", "nvd", "")
        for record in records
        if record.feed.startswith(start) and (detail := record.detail).severity != "unknown"
    )
    return _Summary(
        said={record.id: record for record in records},
        severity=next(ratings, rating_of_score(max(scores, default=0.0))),
        cvss=tuple(dict.fromkeys(cvss for detail in details for cvss in detail.cvss))[:_MOST_RATINGS],
        summary=next((detail.summary for detail in details if detail.summary), ""),
        published=min((detail.published for detail in details if detail.published), default=""),
        references=tuple(dict.fromkeys(link for detail in details for link in detail.references)),
        weaknesses=tuple(dict.fromkeys(cwe for detail in details for cwe in detail.weaknesses)),
    )


def _match(found: _Found, hits: Sequence[Hit], known: _Known) -> Match:
    problem, package = found.problem, found.package
    names = (problem.name, *problem.aliases)
    summary = known.summaries[problem.id]
    if len(hits) > 1:
        hits = sorted(hits, key=lambda hit: (hit.stream.channel != "", hit.advisory))
    state, fixed_in = _fix(package, hits)
    first = summary.said[hits[0].advisory].detail
    return Match(
        id=problem.name,
        package=package,
        severity=_severity(package, hits, summary),
        state=state,
        fixed_in=fixed_in,
        aliases=problem.aliases,
        evidence=tuple(dict.fromkeys(_evidence(hit, package, summary.said) for hit in hits))[:_MOST_EVIDENCE],
        cvss=summary.cvss,
        summary=first.summary or summary.summary,
        published=summary.published,
        references=tuple(dict.fromkeys((*first.references, *summary.references)))[:_MOST_LINKS],
        weaknesses=summary.weaknesses,
        exploited=next((known.exploited[name] for name in names if name in known.exploited), None),
        chance=next((known.chances[name] for name in names if name in known.chances), None),
        kind=first.kind,
    )


def _fix(package: Package, hits: Sequence[Hit]) -> tuple[FixState, tuple[str, ...]]:
    """The state, and the version that every record takes for fixed: the highest of those they name."""
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


def _severity(package: Package, hits: Sequence[Hit], summary: _Summary) -> Rating:
    """The word of who looks after the package; else GitHub's, NVD's, anybody's; else by the highest score."""
    for hit in hits:
        if hit.extra.severity != "unknown":
            return hit.extra.severity
    if package.type in DISTRIBUTION_TYPES:
        for hit in hits:
            rating = summary.said[hit.advisory].detail.severity
            if rating != "unknown":
                return rating
    return summary.severity


def _evidence(hit: Hit, package: Package, said: Mapping[int, Record]) -> Evidence:
    record = said[hit.advisory]
    return Evidence(
        record.feed, record.name, hit.stream.name, hit.name, versions_text(hit.extra), _how(hit, package)
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
    end = says.fixed or says.before
    parts = [start, f"< {end}" if end else "", f"<= {says.last_affected}" if says.last_affected else ""]
    return ", ".join(filter(None, parts)) or "every version"
