"""Namespaces: all of them counted, and whether one of them is fine."""

from collections import Counter

from leadline.model.control import SEVERITIES
from leadline.outputs.text.plain import count
from leadline.scans.pages.findings import edits_table, nothing_fails
from leadline.scans.pages.images import IMAGE_COLUMNS, image_cells, why_no_uses
from leadline.scans.pages.overview import SHOWN
from leadline.scans.pages.page import Ask, Cell, Column, Counts, Page, Table, Words, link, safe
from leadline.scans.pages.rows import CLUSTER, Choice, object_key
from leadline.scans.pages.world import World

_ROWS = 20
"""Of each table of one namespace."""


async def namespaces(world: World, ask: Ask) -> Page:
    counts = world.by_namespace
    judged: dict[str, int] = {}
    for one, ids in zip(world.report.resources, world.report.judged, strict=True):
        judged[one.namespace or CLUSTER] = judged.get(one.namespace or CLUSTER, 0) + bool(ids)
    names = [*counts, *sorted(judged.keys() - counts.keys())]
    rows = [
        (
            Cell(safe(name), link("namespace", name=name)),
            Cell(f"{judged.get(name, 0):,}"),
            *(
                Cell(f"{counts[name][one]:,}", link("findings", namespace=name, severity=one))
                if name in counts and counts[name][one]
                else Cell("0" if judged.get(name) else "not judged")
                for one in SHOWN
            ),
        )
        for name in names
    ]
    columns = (
        Column("Namespace", "name"),
        Column("Objects that fail" if world.known.fails_only else "Objects judged", "number"),
        *(Column(one.capitalize(), "number") for one in SHOWN),
    )
    table = ask.table("", columns, rows, world.why_empty("No object was read."), "namespace")
    return Page("namespaces", "Namespaces", (table,), command=world.known.command)


async def namespace(world: World, ask: Ask) -> Page:
    name = ask.one("name")
    space = "" if name == CLUSTER else name
    mine = [
        (one, ids)
        for one, ids in zip(world.report.resources, world.report.judged, strict=True)
        if one.namespace == space
    ]
    if not mine:
        raise LookupError(f"nothing of the namespace {safe(name)} was read, or you may not see it")
    judged = sum(bool(ids) for _, ids in mine)
    rows = world.rows.chosen(Choice(namespace=(name,)))
    counts = world.by_namespace.get(name, Counter())
    failing = {id for row in rows for id in row.edit.subjects}
    verdict = (
        f"{count(len(failing), 'object')}{'' if world.known.fails_only else f' of {judged:,} judged'} {'fails' if len(failing) == 1 else 'fail'} something."
        if failing
        else f"Nothing fails in {count(judged, 'object')} judged."
        if judged
        else "No object in it was judged."
    )
    sections = (
        Counts(
            "What is wrong",
            tuple(
                (Cell(f"{counts.get(one, 0):,}", link("findings", namespace=name, severity=one), one), one)
                for one in SEVERITIES
                if one in SHOWN or counts.get(one)
            ),
        ),
        _risks(world, space),
        edits_table(
            "Findings",
            rows[:_ROWS],
            nothing_fails(world)
            if not judged
            else world.why_empty(f"Nothing fails in {count(judged, 'object')} judged."),
            len(rows),
            more=link("findings", namespace=name) if len(rows) > _ROWS else None,
        ),
        _images(world, space),
        _not_judged(world, space),
    )
    return Page(
        "namespace",
        safe(name),
        sections,
        verdict,
        crumbs=(Cell("Namespaces", link("namespaces")),),
        command=world.command("history", name) if world.known.store and space else world.known.command,
        query=(("name", name),),
    )


def _risks(world: World, space: str) -> Table:
    mine = [risk for risk in world.risks if world.report.resource(risk.resource).namespace == space]
    rows = tuple(
        (
            Cell(f"{risk.score:.1f}"),
            Cell(
                world.title(world.report.resource(risk.resource)),
                link("workload", id=object_key(risk.resource)),
            ),
            Cell(safe(risk.sentence)),
        )
        for risk in mine[:_ROWS]
    )
    columns = (Column("Score", "number"), Column("Workload", "name"), Column("Why"))
    return Table(
        "Where to begin",
        columns,
        rows,
        world.why_empty("No workload in it fails anything."),
        len(mine),
        "workload",
    )


def _images(world: World, space: str) -> Table:
    mine = [one for one in world.images if any(use.namespace == space for use in one.uses)]
    rows = tuple(image_cells(world, one) for one in mine[:_ROWS])
    return Table(
        "Images",
        IMAGE_COLUMNS,
        rows,
        why_no_uses(world, "No image that runs in it was scanned."),
        len(mine),
        "image",
    )


def _not_judged(world: World, space: str) -> Words:
    report = world.report
    lines = tuple(
        f"{world.title(report.resource(id))}: {skip.control}, {safe(skip.why)}"
        for id, skips in report.gave_up.items()
        if report.resource(id).namespace == space
        for skip in skips
    )
    more = f"and {len(lines) - _ROWS:,} more"
    if not lines and world.known.fails_only:
        return Words("Not judged", ("What was not judged is not known here.",), "unseen")
    if not lines:
        return Words("Not judged", ("Every control that applies decided about every object in it.",))
    return Words("Not judged", (*lines[:_ROWS], *([more] if len(lines) > _ROWS else [])), "unseen")
