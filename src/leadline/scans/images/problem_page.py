"""All that the vulnerability database says about one problem, for a person to read."""

from pathlib import Path

from msgspec import Struct

from leadline.errors import UsageError
from leadline.model.vulnerability import Cvss, ExploitChance, Exploited, Import
from leadline.scans.images.checked_database import open_database
from leadline.vulnerabilities.database import Extra
from leadline.vulnerabilities.match import versions_text
from leadline.vulnerabilities.problem_summary import summed_up


class Range(Struct, frozen=True, order=True):
    """What one advisory says of one package."""

    ecosystem: str
    package: str
    versions: str
    state: str
    fixed: str = ""
    imports: tuple[str, ...] = ()
    """Paths of the Go packages in which the problem lies, where the feed says so."""


class ProblemPage(Struct, frozen=True):
    """A problem with everything that feeds say about it."""

    id: str
    aliases: tuple[str, ...]
    severity: str
    summary: str
    published: str
    records: tuple[str, ...]
    """``feed id`` of every advisory."""
    cvss: tuple[Cvss, ...]
    weaknesses: tuple[str, ...]
    references: tuple[str, ...]
    ranges: tuple[Range, ...]
    """By ecosystem and package, each once."""
    exploited: Exploited | None = None
    chance: ExploitChance | None = None
    withdrawn: tuple[str, ...] = ()
    """Advisories that were withdrawn."""


def problem_page(path: Path, name: str, cache_folder: str = "") -> ProblemPage:
    """The page of the problem that goes by ``name``; ``cache_folder`` keeps that the database is whole.

    Raises:
        DatabaseError: the database cannot be read.
        UsageError: no feed of it knows the name.
    """
    with open_database(path, cache_folder) as database:
        problem = database.named(name)
        if problem is None:
            raise UsageError(f"no feed of the vulnerability database knows {name}")
        records = database.records(problem.id)
        details = [record.detail for record in records]
        together = summed_up(records, (problem.name, *problem.aliases))
        names = (problem.name, *problem.aliases)
        exploited, chances = database.exploited(names), database.chances(names)
        rows = database.ranges(record.id for record in records)
        return ProblemPage(
            id=problem.name,
            aliases=problem.aliases,
            severity=together.severity,
            summary=together.summary,
            published=together.published,
            records=tuple(f"{record.feed} {record.name}" for record in records),
            cvss=tuple(dict.fromkeys(cvss for one in details for cvss in one.cvss)),
            weaknesses=tuple(dict.fromkeys(cwe for one in details for cwe in one.weaknesses)),
            references=tuple(dict.fromkeys(link for one in details for link in one.references)),
            ranges=tuple(
                dict.fromkeys(
                    sorted(_range(stream.name, package, extra) for _, stream, package, extra in rows)
                )
            ),
            exploited=next((exploited[each] for each in names if each in exploited), None),
            chance=next((chances[each] for each in names if each in chances), None),
            withdrawn=tuple(record.name for record in records if record.detail.withdrawn),
        )


def _range(ecosystem: str, package: str, extra: Extra) -> Range:
    imports = tuple(map(_import, extra.imports))
    return Range(ecosystem, package, versions_text(extra), extra.state, extra.fixed, imports)


def _import(each: Import) -> str:
    places = (*each.systems, *each.architectures)
    return f"{each.path} ({', '.join(places)})" if places else each.path
