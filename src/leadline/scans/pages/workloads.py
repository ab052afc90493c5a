"""Workloads by what is at stake, and one of them with the way to it, its findings and its images."""

from leadline.model.resource import Resource
from leadline.outputs.text.plain import count
from leadline.scans.explaining.risk import explained_risk
from leadline.scans.pages.changes import object_changes
from leadline.scans.pages.findings import COLUMNS, finding_cells
from leadline.scans.pages.image_entries import ImageEntry
from leadline.scans.pages.images import IMAGE_COLUMNS, image_cells, why_no_uses
from leadline.scans.pages.page import Ask, Cell, Column, Facts, Page, Path, Table, Words, link, safe, way
from leadline.scans.pages.rows import object_key
from leadline.scans.pages.world import World


async def workloads(world: World, ask: Ask) -> Page:
    words = ask.one("q").lower().split()
    rows = []
    for risk in world.risks:
        title = world.title(world.report.resource(risk.resource))
        if all(word in f"{title} {risk.sentence}".lower() for word in words):
            rows.append(
                (
                    Cell(f"{risk.score:.1f}"),
                    Cell(title, link("workload", id=object_key(risk.resource))),
                    Cell(safe(risk.sentence)),
                )
            )
    columns = (Column("Score", "number"), Column("Workload", "name"), Column("Why"))
    ranked = {risk.resource for risk in world.risks}
    rest = sum(one.id not in ranked for one in world.workloads)
    lead = "The score is 0 to 100: how near an attacker is, times what is won, times how easily."
    if rest:
        which = "that no source has ranked" if world.known.fails_only else "judged without a finding"
        lead += f" {count(rest, 'workload')} {which} {'has' if rest == 1 else 'have'} no score."
    table = ask.table("", columns, rows, world.why_empty(_why_empty(world)), "workload")
    return Page(
        "workloads",
        "Workloads",
        (table,),
        lead,
        command=world.command("risk"),
        query=(("q", " ".join(words)),) if words else (),
    )


def _why_empty(world: World) -> str:
    if not world.workloads:
        return "No workload was judged."
    if world.report.risks is None:
        return "Workloads are not ranked here: what was read does not hold ranks."
    return "No workload fails anything."


async def workload(world: World, ask: Ask) -> Page:
    """Of any object that was judged: those that run no pods have no rank and no images."""
    one = world.by_key.get(ask.one("id"))
    if one is None:
        raise LookupError("this object is not there: it was deleted, or you may not see it")
    rows = world.rows.of_object.get(one.id, [])
    title = world.title(one)
    findings = Table(
        "Findings",
        # Each is of this object.
        tuple(column for column in COLUMNS if column.title != "Object"),
        tuple(cells[:2] + cells[3:] for cells in map(finding_cells, rows)),
        _why_no_findings(world, one),
        unit="edit or decision",
    )
    sections = [
        _way(world, one, title),
        _why_ranked(world, one),
        findings,
        _skips(world, one),
        _images(world, one, title),
    ]
    history = await object_changes(world, title)
    crumbs: tuple[Cell, ...] = (Cell("Workloads", link("workloads")),)
    if one.namespace:
        crumbs = (*crumbs, Cell(safe(one.namespace), link("namespace", name=one.namespace)))
    return Page(
        "workload",
        title,
        (*(section for section in sections if section), history),
        crumbs=crumbs,
        command=world.command("history", title)
        if world.known.store
        else world.command("scan", "workload", title),
        query=(("id", ask.one("id")),),
    )


def _way(world: World, one: Resource, title: str) -> Path | None:
    risk = world.risk_of.get(one.id)
    if risk is None and one not in world.workloads:
        return None
    if risk is None:
        why = world.why_not_stored("It fails nothing that opens a way, so it has no rank.")
        return Path("The way of an attacker", title, "", (), world.why_empty(why))
    heading = f"The way of an attacker, risk {risk.score:.0f} of 100"
    return way(heading, title, risk)


def _why_ranked(world: World, one: Resource) -> Words | None:
    risk = world.risk_of.get(one.id)
    if risk is None or not risk.path:
        return None
    return Words("Why it ranks there", tuple(map(safe, explained_risk(world.report, risk))))


def _why_no_findings(world: World, one: Resource) -> str:
    judged = next(
        (ids for known, ids in zip(world.report.resources, world.report.judged, strict=True) if known is one),
        (),
    )
    if not judged:
        return world.why_empty(world.why_not_stored("No control judged it."))
    return f"It passes all {count(len(judged), 'control')} that judged it."


def _skips(world: World, one: Resource) -> Facts | None:
    skips = world.report.gave_up.get(one.id, ())
    rows = tuple((skip.control, Cell(safe(skip.why), link("control", id=skip.control))) for skip in skips)
    return Facts("Not judged", rows) if rows else None


def _images(world: World, one: Resource, title: str) -> Table | None:
    if one not in world.workloads:
        return None
    mine = images_of(world, one, title)
    return Table(
        "Images",
        IMAGE_COLUMNS,
        tuple(image_cells(world, entry) for entry in mine),
        why_no_uses(world, "No image of it was scanned."),
        unit="image",
    )


def images_of(world: World, one: Resource, title: str) -> list[ImageEntry]:
    return [
        entry
        for entry in world.images
        if any(use.resource == one.id or (not use.resource and use.title == title) for use in entry.uses)
    ]
