"""Findings: the list that one narrows, and one of them with its place, its fix and its reason."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from leadline.model.control import Control, Remove, Set
from leadline.model.finding import Finding
from leadline.outputs.rows.remediation import control_text
from leadline.outputs.text.plain import count, source_line
from leadline.scans.pages.page import (
    Ask,
    Cell,
    Column,
    Facet,
    Facts,
    Filter,
    Lines,
    Link,
    Page,
    Section,
    Table,
    Words,
    link,
    safe,
    way,
)
from leadline.scans.pages.rows import FACETS, Choice, Row, object_key
from leadline.scans.pages.world import World, shell
from leadline.scans.waivers.exception_object import exception_text

_LONGEST_WORDS = 200
_OTHERS = 20
"""Of one object that are listed on the page of another."""
_EXPLAINED = 3
"""Controls that are explained in full; others lead to their pages."""
_MOST_IDS = 5
"""Of controls that are named in a list."""
COLUMNS = (
    Column("Severity", "severity"),
    Column("Problem", note="Controls"),
    Column("Object", "name"),
    Column("Fix", "name", note="Place"),
)


async def findings(world: World, ask: Ask) -> Page:
    severity, namespace, kind, control = (ask.several(name) for name in FACETS)
    choice = Choice(severity, namespace, kind, control, ask.one("q")[:_LONGEST_WORDS])
    rows = world.rows.chosen(choice)
    offered = world.rows.facets(rows, choice)
    facets = tuple(Facet(name, name.capitalize(), offered[name]) for name in FACETS if offered[name])
    first, pages = ask.span(len(rows))
    why = "Nothing matches; take a part of the filter away." if world.rows.all else nothing_fails(world)
    numbers = world.report.numbers
    table = edits_table("", rows[first : first + ask.rows], why, len(rows), pages)
    asked = [(name, value) for name in FACETS for value in getattr(choice, name)]
    query = (*asked, *([("q", choice.words)] if choice.words else []))
    lead = (
        f"{count(numbers.findings, 'finding')} of {world.objects_judged(world.report.objects_judged)}."
        " A row is one edit or decision; it may settle several findings."
    )
    return Page(
        "findings",
        "Findings",
        (Filter(facets, choice.words, looks_for="problem, object or control"), table),
        lead,
        command=world.known.command,
        query=query,
    )


def edits_table(
    title: str,
    rows: Sequence[Row],
    why_empty: str,
    total: int,
    pages: tuple[int, int] | None = None,
    more: Link | None = None,
) -> Table:
    """``rows`` of ``total``."""
    return Table(
        title, COLUMNS, tuple(map(finding_cells, rows)), why_empty, total, "edit or decision", pages, more
    )


def nothing_fails(world: World) -> str:
    judged = world.report.objects_judged
    if not judged:
        return world.why_empty("No object was judged, so nothing is known to fail.")
    return world.why_empty(f"Nothing fails in {count(judged, 'object')} judged.")


def finding_cells(row: Row) -> tuple[Cell, ...]:
    subject = link("workload", id=object_key(row.edit.subjects[0]))
    return (
        Cell(row.severity),
        Cell(row.problem, link("finding", id=row.key), _ids(row)),
        Cell(row.subject, subject),
        Cell(row.fix, note=row.place),
    )


def _ids(row: Row) -> str:
    more = len(row.controls) - _MOST_IDS
    return ", ".join(row.controls[:_MOST_IDS]) + (f" and {more} more" if more > 0 else "")


async def finding(world: World, ask: Ask) -> Page:
    row = world.rows.by_key.get(ask.one("id"))
    if row is None:
        raise LookupError(
            "this finding is not there: it was settled, or it is of an object that you may not see"
        )
    edit = row.edit
    command = shell("leadline", "explain", row.controls[0])
    sections = [
        _facts(world, row),
        _source(row),
        _change(row),
        *_leads_to(world, row),
        *(_why(control) for control in edit.controls[:_EXPLAINED]),
        _also_asked(edit.controls[_EXPLAINED:]),
        _accepting(world, row),
        _others(world, row),
    ]
    return Page(
        "finding",
        row.problem,
        tuple(one for one in sections if one),
        safe(row.subject),
        row.severity,
        (Cell("Findings", link("findings")), Cell(row.controls[0], link("control", id=row.controls[0]))),
        command,
        (("id", row.key),),
    )


def _facts(world: World, row: Row) -> Facts:
    first = row.edit.subjects[0]
    rows = [
        ("Object", Cell(row.subject, link("workload", id=object_key(first)))),
        ("Place", Cell(row.place, copies=row.place)),
        ("Fix", Cell(row.fix)),
    ]
    if row.edit.causes:
        rows.append(("Rests on", Cell(row.edit.causes)))
    related = [_called(world, id) for id in row.edit.finding.related[:20]]
    if related:
        rows.append(("Related to", Cell(", ".join(dict.fromkeys(related)))))
    return Facts("Where exactly", tuple(rows))


def _called(world: World, id: str) -> str:
    """Of what was not read only the id is known, which ends with namespace, kind and name."""
    if id in world.report.by_id:
        return world.title(world.report.resource(id))
    return safe("/".join(filter(None, id.split("/")[-3:])))


def _source(row: Row) -> Lines | None:
    found, place = row.edit.finding, row.edit.place
    # An object's first line is shown for what has no line of its own; as a picture of the fault it would mislead.
    if not found.lines or place is None or not place.exact:
        return None
    first = max(1, place.line - len(found.lines) + 1)
    return Lines("In the file", tuple(map(source_line, found.lines)), first, (len(found.lines) - 1,))


def _change(row: Row) -> Lines | None:
    lines = _edit_lines(row.edit.finding)
    return Lines("The edit", lines, lead=row.fix) if lines else None


def _edit_lines(found: Finding) -> tuple[str, ...]:
    """As a diff has it: ``-`` and ``+`` first."""
    is_exact = bool(found.lines and found.place and found.place.exact)
    old = (f"-{source_line(found.lines[-1])}",) if is_exact else ()
    match found.violation:
        case Remove() if is_exact:
            return old
        case Set(path=path, value=value):
            name = path.rpartition(".")[2] or path
            indent = " " * (len(found.lines[-1]) - len(found.lines[-1].lstrip())) if is_exact else ""
            written = value if isinstance(value, str) else orjson.dumps(value).decode()
            return (*old, safe(f"+{indent}{name}: {written}"))
    return ()


def _leads_to(world: World, row: Row) -> list[Section]:
    risk = world.risk_of.get(row.edit.finding.resource)
    if risk is None:
        return []
    name = world.title(world.report.resource(risk.resource))
    return [way("What it leads to", name, risk)]


def _why(control: Control) -> Words:
    return Words(f"{control.id} {control.title}", control_words(control), more=link("control", id=control.id))


def _also_asked(controls: Sequence[Control]) -> Table | None:
    if not controls:
        return None
    rows = tuple(
        (Cell(one.severity), Cell(one.id, link("control", id=one.id)), Cell(one.title)) for one in controls
    )
    columns = (Column("Severity", "severity"), Column("Control", "code"), Column("Title"))
    return Table("Also asked for by", columns, rows, "", unit="control")


def control_words(control: Control) -> tuple[str, ...]:
    text = control_text(control)
    parts = [f"{text.why}." if text.why else "", *text.body.split("\n\n")]
    if text.fix:
        parts.append(f"Fix: {text.fix}")
    if text.cannot_see:
        parts.append(f"Cannot see: {text.cannot_see}")
    return tuple(part.replace("``", "") for part in parts if part)


def _accepting(world: World, row: Row) -> Lines:
    """Pages write nothing: a person completes this and applies it."""
    objects = [world.report.resource(id) for id in row.edit.subjects]
    text = exception_text(objects, row.controls, datetime.fromisoformat(world.known.at).date())
    lead = "An object that accepts it, for the cluster or beside the manifests. Write the reason and the end into it, then apply it."
    return Lines("To accept it", tuple(text.splitlines()), lead=lead, is_copied=True)


def _others(world: World, row: Row) -> Table:
    subject = row.edit.subjects[0]
    others = [one for one in world.rows.of_object.get(subject, ()) if one.key != row.key]
    more = link("workload", id=object_key(subject)) if len(others) > _OTHERS else None
    why = "Nothing else fails."
    return edits_table("Also wrong with this object", others[:_OTHERS], why, len(others), more=more)
