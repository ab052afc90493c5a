"""Where to begin, what was not seen, and how everything adds up."""

from collections.abc import Iterator

from leadline.model.control import SEVERITIES
from leadline.outputs.rows.first_fixes import first_fixes
from leadline.outputs.rows.summary import per_cent
from leadline.outputs.text.plain import count
from leadline.scans.pages.moments import age
from leadline.scans.pages.page import Ask, Cell, Column, Counts, First, Page, Table, Trend, Words, link, safe
from leadline.scans.pages.rows import object_key
from leadline.scans.pages.world import World

SHOWN = ("critical", "high", "medium", "low")
_FIRST = 5
_NAMED = 5
"""Of what was not seen."""
_NAMESPACES = 12


async def overview(world: World, ask: Ask) -> Page:
    sections = [
        _first(world),
        not_seen(world),
        _counts(world),
        _trend(world),
        _namespaces(world),
        _frameworks(world),
        _components(world),
    ]
    return Page("overview", "Overview", tuple(one for one in sections if one), command=world.known.command)


def _first(world: World) -> First:
    report = world.report
    fixes = first_fixes(report, world.risks, _FIRST)
    rows = tuple(
        (Cell(one.title, link("workload", id=object_key(one.resource)), safe(one.why)), f"{one.score:.0f}")
        for one in fixes
    )
    why = "Nothing critical or high fails in what was judged."
    if not report.objects_judged:
        why = "No object was judged, so nothing is known to fail."
    return First("Where to begin", rows, world.why_empty(why), link("workloads") if world.risks else None)


def not_seen(world: World) -> Words | None:
    """What absence of findings says nothing about; ``None`` where everything was seen."""
    lines = list(unseen_lines(world))
    if not lines:
        return None
    more = len(lines) - _NAMED
    shown = (*lines[:_NAMED], *([f"and {more:,} more"] if more > 0 else []))
    return Words("Not seen", shown, "unseen", link("health"))


def unseen_lines(world: World) -> Iterator[str]:
    report = world.report
    if world.seen is not None and len(world.namespaces) < world.of_namespaces:
        hidden = world.of_namespaces - len(world.namespaces)
        yield f"{count(hidden, 'namespace')} that you may not read; nothing of {'it' if hidden == 1 else 'them'} is counted here"
    if world.seen is not None and report.unread:
        yield f"{count(len(report.unread), 'input')} not read; who may read results of every namespace is shown which"
    for one in report.unread if world.seen is None else ():
        line = f":{one.line}" if one.line else ""
        hint = f"; {one.hint}" if one.hint else ""
        yield safe(f"{one.where}{line}: {one.why}{hint}")
    waiting = [skip for skip in report.skips if skip.kind == "not read"]
    if waiting:
        yield f"{count(len(waiting), 'control')} judged nothing, because what {'it reads' if len(waiting) == 1 else 'they read'} was not read"
    if report.undecided:
        objects = count(report.objects_undecided, "object")
        yield f"{count(len(report.undecided), 'control')} could not decide on {objects}"
    unmatched = sum(not one.is_matched for one in world.images)
    if unmatched:
        yield f"{count(unmatched, 'image')} not matched with a vulnerability database"


def _counts(world: World) -> Counts:
    numbers = world.report.numbers
    cells = [
        (Cell(f"{world.severities[name]:,}", link("findings", severity=name), name), name)
        for name in SEVERITIES
        if name in SHOWN or world.severities[name]
    ]
    lead = (
        f"{count(numbers.findings, 'finding')} of {world.objects_judged(world.report.objects_judged)};"
        f" {count(numbers.edits, 'edit')} and {count(numbers.decisions, 'decision')} settle them; {numbers.accepted:,} accepted"
    )
    return Counts("What is wrong", tuple(cells), lead)


def _trend(world: World) -> Trend | None:
    if world.known.days is None:
        return None
    days = world.days
    counted = [(day, number) for day, number in days if number is not None]
    if not counted:
        why = "No day was counted yet: the operator keeps a history from its first day on."
        return Trend("Better or worse", (), "finding", "", world.why_empty(why))
    return Trend("Better or worse", days, "finding", _sentence(counted))


def _sentence(counted: list[tuple[str, int]]) -> str:
    last, now = counted[-1]
    if len(counted) == 1:
        return f"{count(now, 'finding')} on {last}, the first day that was counted"
    day, before = counted[-2]
    change = now - before
    compared = f"{abs(change):,} {'more' if change > 0 else 'fewer'} than" if change else "as many as"
    return f"{count(now, 'finding')} on {last}, {compared} on {day}"


def _namespaces(world: World) -> Table:
    counts = world.by_namespace
    rows = [
        (
            Cell(safe(name), link("namespace", name=name)),
            *(
                Cell(f"{row[one]:,}", link("findings", namespace=name, severity=one) if row[one] else None)
                for one in SHOWN
            ),
        )
        for name, row in list(counts.items())[:_NAMESPACES]
    ]
    columns = (Column("Namespace", "name"), *(Column(name.capitalize(), "number") for name in SHOWN))
    return Table(
        "Namespaces",
        columns,
        tuple(rows),
        world.why_empty("Nothing fails in any namespace that was read."),
        len(counts),
        "namespace",
        more=link("namespaces") if len(counts) > _NAMESPACES else None,
    )


def _frameworks(world: World) -> Table:
    report = world.report
    rows = []
    for framework in report.frameworks:
        ids = set(framework.control_ids)
        counted = [row for row in report.seen_by(framework).by_control if row.control.id in ids]
        judged = [row for row in counted if row.judged]
        failed = sum(1 for row in judged if row.failed)
        score = report.compliance(framework)
        rows.append(
            (
                Cell(framework.title or framework.name, link("framework", name=framework.name)),
                Cell(per_cent(score)),
                Cell(f"{failed} of {len(judged)}"),
                Cell(f"{len(counted) - len(judged)} of {len(counted)}"),
            )
        )
    columns = (
        Column("Framework"),
        Column("Compliance", "bar"),
        Column("Controls failed", "number"),
        Column("Not judged", "number"),
    )
    return Table("Frameworks", columns, tuple(rows), "No framework was asked for.", unit="framework")


def _components(world: World) -> Table | None:
    return components(world) if world.known.components else None


def components(world: World) -> Table:
    """Every part that keeps something current, and its age."""
    rows = tuple(
        (
            Cell(one.name),
            Cell(age(one.at, world.known.at) if one.at else "unknown", note=one.at),
            Cell(one.state, note=one.hint),
        )
        for one in world.known.components
    )
    columns = (Column("Component"), Column("Age", "date"), Column("State"))
    return Table(
        "How old this is", columns, rows, "Nothing keeps this current: it was read once.", unit="component"
    )
