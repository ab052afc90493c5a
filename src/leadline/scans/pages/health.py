"""Health: whether what the other pages show is current and whole."""

from leadline.scans.pages.overview import components, unseen_lines
from leadline.scans.pages.page import Ask, Cell, Column, Facts, Page, Table, Words, link, safe
from leadline.scans.pages.world import World

_MOST = 60
"""Lines and controls that are listed."""


async def health(world: World, ask: Ask) -> Page:
    lines = tuple(unseen_lines(world))
    if len(lines) > _MOST:
        lines = (*lines[:_MOST], f"and {len(lines) - _MOST:,} more")
    unseen = (
        Words("Not seen", lines, "unseen" if lines else "")
        if lines
        else Words(
            "Not seen",
            (world.why_empty("Everything was read, and every control that was asked could decide."),),
        )
    )
    sections = (unseen, components(world), _skips(world), _undecided(world), _numbers(world))
    whole = "Everything here is current and whole."
    is_current = not (world.known.reading or world.why_old)
    is_good = is_current and not lines and all(one.is_good for one in world.known.components)
    return Page("health", "Health", sections, whole if is_good else "", command=world.known.command)


def _skips(world: World) -> Table:
    rows = [
        (Cell(skip.control, link("control", id=skip.control)), Cell(skip.kind), Cell(safe(skip.why)))
        for skip in world.report.skips
    ]
    columns = (Column("Control", "code"), Column("Reason"), Column("Why"))
    return Table(
        "Controls that judged nothing",
        columns,
        tuple(rows[:_MOST]),
        world.why_empty(
            "What controls judged is not known here."
            if world.known.fails_only
            else "Every control judged something."
        ),
        len(rows),
        "control",
        more=link("controls") if len(rows) > _MOST else None,
    )


def _undecided(world: World) -> Table:
    rows = tuple(
        (
            Cell(one.control, link("control", id=one.control)),
            Cell(f"{len(one.resources):,}"),
            Cell(safe(one.why)),
        )
        for one in world.report.undecided
    )
    columns = (Column("Control", "code"), Column("Objects", "number"), Column("Why"))
    return Table("Controls that could not decide", columns, rows, world.why_empty("None."), unit="control")


def _numbers(world: World) -> Facts:
    report = world.report
    target = report.target
    spaces = (
        f"{len(world.namespaces):,} of {world.of_namespaces:,}"
        if world.seen is not None
        else f"{len(world.namespaces):,}"
    )
    rows = [
        ("Target", Cell(safe(f"{target.kind} {target.name}"))),
        ("Server", Cell(safe(target.server_version))),
        ("Objects", Cell(f"{report.objects:,}, {world.objects_judged(report.objects_judged)}")),
        ("Namespaces", Cell(spaces)),
        (
            "Controls",
            Cell(
                f"{len(report.controls):,} fail somewhere"
                if world.known.fails_only
                else f"{sum(1 for row in report.by_control if row.judged):,} of {len(report.controls):,} judged something"
            ),
        ),
        ("Images", Cell(f"{len(world.images):,}")),
        ("Read at", Cell(world.known.at)),
    ]
    return Facts("What was looked at", tuple((name, cell) for name, cell in rows if cell.text))
