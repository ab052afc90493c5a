"""Accepted: who accepts what, why, until when, and what accepts nothing any more."""

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from leadline.model.waiver import WaiverUse
from leadline.outputs.rows.remediation import fix
from leadline.outputs.text.plain import count
from leadline.scans.pages.page import Ask, Cell, Column, Page, Table, link, safe
from leadline.scans.pages.rows import object_key
from leadline.scans.pages.world import World

_ENTRIES = (
    Column("Waiver", "name"),
    Column("State"),
    Column("Reason"),
    Column("Owner"),
    Column("Until", "date"),
    Column("Accepts", "number"),
)
_FINDINGS = (
    Column("Control", "code"),
    Column("Object", "name"),
    Column("What"),
    Column("Waiver", "name"),
    Column("Reason"),
)


async def accepted(world: World, ask: Ask) -> Page:
    report = world.report
    rows = []
    for one in report.waived:
        waiver = report.waivers[one.waiver].waiver
        resource = report.resource(one.finding.resource)
        rows.append(
            (
                Cell(one.finding.control, link("control", id=one.finding.control)),
                Cell(
                    world.title(resource),
                    link("workload", id=object_key(resource.id)) if resource.id in report.by_id else None,
                ),
                Cell(fix(one.finding)),
                Cell(safe(waiver.name)),
                Cell(safe(waiver.reason) or "no reason is given"),
            )
        )
    unused = sum(one.state != "used" for one in report.waivers) if world.seen is None else 0
    why = world.why_empty("Nothing is accepted: every finding counts.")
    findings = ask.table("What is accepted", _FINDINGS, rows, why, "place")
    entries = Table(
        "Who accepts it",
        _ENTRIES,
        tuple(map(_entry, _entries(world))),
        world.why_empty("No waiver, exception, annotation or comment was read."),
        unit="entry",
    )
    lead = f"{count(report.numbers.accepted, 'finding')} accepted; an accepted finding counts as passed."
    if unused:
        lead += f" {count(unused, 'entry', 'entries')} of {len(report.waivers):,} accept nothing."
    return Page("accepted", "Accepted", (findings, entries), lead, command=world.known.command)


def _entries(world: World) -> Iterable[WaiverUse]:
    """Who may not see everything sees the entries that accept something of what he sees, with the number of that."""
    report = world.report
    if world.seen is None:
        return report.waivers
    used = Counter(number for number, _ in {(one.waiver, one.finding.pair) for one in report.waived})
    return (replace(report.waivers[number], findings=used[number]) for number in sorted(used))


def _entry(one: WaiverUse) -> tuple[Cell, ...]:
    waiver = one.waiver
    left = f"{count(one.days_left, 'day')} left" if one.days_left is not None else ""
    return (
        Cell(safe(waiver.name), note=safe(waiver.source)),
        Cell(one.state, note="accepts much: it names no object and no control" if one.is_broad else ""),
        Cell(safe(waiver.reason) or "no reason is given"),
        Cell(safe(waiver.owner) or "no one is named", note=safe(waiver.ticket)),
        Cell(safe(waiver.expires) or "no end", note=left),
        Cell(f"{one.findings:,}"),
    )
