"""Controls and frameworks: what decides, what fails, and why something was not judged. Made to be printed."""

from leadline.model.report import ControlCount
from leadline.outputs.rows.remediation import control_text
from leadline.outputs.rows.summary import per_cent
from leadline.outputs.text.plain import count
from leadline.scans.explaining.score import explained_score
from leadline.scans.pages.findings import control_words, edits_table
from leadline.scans.pages.page import Ask, Cell, Column, Facts, Lines, Page, Table, Words, link, safe
from leadline.scans.pages.rows import Choice
from leadline.scans.pages.world import World, shell

_COLUMNS = (
    Column("Control", "code"),
    Column("Title"),
    Column("Severity", "severity"),
    Column("Failed of judged", "number"),
    Column("Verdict"),
)


async def controls(world: World, ask: Ask) -> Page:
    words = ask.one("q").lower().split()
    rows = [
        _cells(row, fails_only=world.known.fails_only)
        for row in world.report.by_control
        if all(
            word in f"{row.control.id} {row.control.title} {row.control.problem}".lower() for word in words
        )
    ]
    judged = sum(1 for row in world.report.by_control if row.judged)
    table = ask.table("", _COLUMNS, rows, world.why_empty("No control was asked for."), "control")
    return Page(
        "controls",
        "Controls",
        (table, _score(world)),
        f"{judged:,} of {count(len(world.report.controls), 'control')} judged something."
        if not world.known.fails_only
        else f"{count(judged, 'control')} {'fails' if judged == 1 else 'fail'} somewhere; what passes is not known here.",
        command="leadline list controls",
        query=(("q", " ".join(words)),) if words else (),
    )


def _score(world: World) -> Words:
    if world.known.fails_only:
        return Words(
            "Why a score is missing", ("A score needs what passes, and only what fails is known here.",)
        )
    return Words("Why the score is what it is", tuple(map(safe, explained_score(world.report))))


def _cells(row: ControlCount, *, fails_only: bool = False) -> tuple[Cell, ...]:
    control = row.control
    numbers = f"{row.failed:,} of {row.judged:,}" if row.judged else "none judged"
    numbers = f"{row.failed:,}" if fails_only else numbers
    return (
        Cell(control.id, link("control", id=control.id)),
        Cell(control.title),
        Cell(row.counts.severity),
        Cell(numbers, link("findings", control=control.id) if row.failed else None),
        Cell(row.status if row.judged else "not judged", note=_why_not(row)),
    )


def _why_not(row: ControlCount) -> str:
    if row.judged:
        return ""
    if row.skip is not None:
        return safe(row.skip.why)
    return row.control.manual or "nothing that it looks at was read"


async def framework(world: World, ask: Ask) -> Page:
    name = ask.one("name")
    one = next((known for known in world.report.frameworks if known.name == name), None)
    if one is None:
        raise LookupError(
            f"the framework {safe(name)} was not counted; leadline list frameworks names those that can be"
        )
    ids = set(one.control_ids)
    report = world.report.seen_by(one)
    rows = [row for row in report.by_control if row.control.id in ids]
    judged = [row for row in rows if row.judged]
    failed = sum(1 for row in judged if row.failed)
    score = world.report.compliance(one)
    lead = (
        f"{per_cent(score)} compliance of what was judged: {failed} of {count(len(judged), 'control')} fail."
        if judged
        else "No control of it judged anything, so it has no score."
    )
    accepted = len({one.finding.pair for one in report.waived if one.finding.control in ids})
    facts = Facts(
        "What this rests on",
        (
            ("Target", Cell(safe(f"{report.target.kind} {report.target.name}"))),
            *([("Version", Cell(one.version))] if one.version else []),
            ("Judged", Cell(f"{len(judged)} of {count(len(rows), 'control')}")),
            ("Objects", Cell(f"{report.objects_judged:,} judged, {len(report.unread):,} inputs not read")),
            ("Accepted", Cell(f"{count(accepted, 'finding')}, counted as passed", link("accepted"))),
            ("As of", Cell(world.known.at)),
        ),
    )
    table = Table(
        "Control by control",
        _COLUMNS,
        tuple(_cells(row) for row in rows),
        "It has no control.",
        unit="control",
    )
    return Page(
        "framework",
        one.title or one.name,
        (facts, table),
        lead,
        command=world.command("scan", "framework", one.name),
        query=(("name", name),),
        crumbs=(Cell("Controls", link("controls")),),
    )


async def control(world: World, ask: Ask) -> Page:
    id = ask.one("id")
    row = next((one for one in world.report.by_control if one.control.id == id), None)
    if row is None:
        raise LookupError(
            f"the control {safe(id)} was not asked for; leadline explain {safe(id)} describes it where it exists"
        )
    one, text = row.control, control_text(row.control)
    failing = world.rows.chosen(Choice(control=(id,)))
    first, pages = ask.span(len(failing))
    within = tuple(
        (Cell(known.title or known.name, link("framework", name=known.name)),)
        for known in world.report.frameworks
        if id in known.control_ids
    )
    undecided = tuple(
        (Cell(world.title(world.report.resource(object))), Cell(safe(skip.why)))
        for object, skips in world.report.gave_up.items()
        for skip in skips
        if skip.control == id
    )
    verdict = (
        f"{count(row.failed, 'object')} {'fails' if row.failed == 1 else 'fail'} it."
        if world.known.fails_only
        else f"{row.failed:,} of {count(row.judged, 'object')} judged {'fails' if row.failed == 1 else 'fail'}."
        if row.judged
        else f"Not judged: {_why_not(row)}."
    )
    empty = "Nothing fails it." if row.judged else f"Not judged: {_why_not(row)}."
    sections = [
        Words("What decides it", control_words(one) or ("It has no description.",)),
        edits_table(
            "What fails", failing[first : first + ask.rows], world.why_empty(empty), len(failing), pages
        ),
        Table(
            "Could not be decided",
            (Column("Object", "name"), Column("Why")),
            undecided,
            "It decided about every object that it applies to.",
            unit="object",
        ),
        Lines("An object that fails", tuple(text.example.splitlines())) if text.example else None,
        Table(
            "Frameworks",
            (Column("Framework"),),
            within,
            "No framework that was counted lists it.",
            unit="framework",
        ),
        Words("See", text.links) if text.links else None,
    ]
    return Page(
        "control",
        f"{id} {one.title}",
        tuple(section for section in sections if section),
        verdict,
        one.severity,
        (Cell("Controls", link("controls")),),
        shell("leadline", "explain", id),
        (("id", id),),
    )
