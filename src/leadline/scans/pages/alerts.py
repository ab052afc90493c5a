"""Alerts: what the rules of the node agent saw containers do, and one of them with its chain and what to do first."""

from collections import Counter

from msgspec import UNSET

from leadline.api.kinds.alerts import RaisedAlert
from leadline.errors import StoreError
from leadline.model.control import SEVERITIES
from leadline.outputs.text.plain import count
from leadline.scans.explaining.alert import explained_alert, place_of
from leadline.scans.pages.page import (
    Ask,
    Cell,
    Column,
    Counts,
    Facts,
    First,
    Page,
    Section,
    Table,
    Words,
    link,
    safe,
)
from leadline.scans.pages.world import World, shell
from leadline.scans.stored.alerts import stored_alerts

_COLUMNS = (
    Column("Severity", "severity"),
    Column("Rule", "code", note="Title"),
    Column("Where", "name"),
    Column("What", note="Program"),
    Column("Times", "number"),
    Column("Last", "date"),
    Column("State"),
)
_CHAIN = (Column("Process", "number"), Column("Arguments", "code", note="Program"), Column("User", "number"))
_NO_STORE = "The node agent keeps alerts in the store of a cluster. Folders and reports have none."
_NONE = "No alert is stored. Either nothing was seen, or no agent stores alerts here: look at its log and at leadline agent check."


async def alerts(world: World, ask: Ask) -> Page:
    found, why = await _seen(world)
    severities = Counter(one.severity for one in found if one.accepted is UNSET)
    numbers = tuple((Cell(f"{severities[name]:,}", note=name), name) for name in SEVERITIES[:4])
    sections: tuple[Section, ...] = (Words("", (why,), "unseen"),) if why else ()
    if found:
        sections += (Counts("Open alerts", numbers),)
    rows = [_row(one) for one in found]
    table = ask.table("Alerts", _COLUMNS, rows, "Nothing is known." if why else _NONE, "alert")
    lead = f"{count(len(found), 'alert')}, the newest first; each is one rule, one workload and one program."
    lead += _withheld(sum(one.withheld for one in found))
    return Page(
        "alerts",
        "Alerts",
        (*sections, table),
        lead if found else "",
        command=world.command("alerts", "-v") if world.known.store else "leadline alerts -v",
    )


async def alert(world: World, ask: Ask) -> Page:
    found, _ = await _seen(world)
    one = next((one for one in found if _key(one) == ask.one("id")), None)
    if one is None:
        raise LookupError("this alert is not there; it may have been forgotten since")
    chain = tuple(
        (
            Cell(str(process.pid)),
            Cell(
                safe(" ".join(process.arguments or ()) or process.path),
                note=safe(process.path) + (" (not of the image)" if process.is_upper else ""),
            ),
            Cell(str(process.uid)),
        )
        for process in one.chain or ()
    )
    messages = tuple(map(safe, explained_alert(one)))
    first = tuple(
        (Cell(f"Step {number}", note=safe(text)), str(number))
        for number, text in enumerate(one.first or (), 1)
    )
    return Page(
        "alert",
        safe(one.title),
        (
            Words("What happened", messages),
            First("Do first", first, "The rule says nothing of what to do."),
            Facts("Where and when", tuple(_facts(one))),
            Table("Chain of processes", _CHAIN, chain, "The chain is not known.", unit="process"),
        ),
        lead=f"{safe(one.rule)}, {count(one.count, 'time')} at least.{_withheld(one.withheld)}",
        severity=one.severity,
        crumbs=(Cell("Alerts", link("alerts")),),
        command=shell("leadline", "explain", one.rule),
        query=(("id", _key(one)),),
    )


async def _seen(world: World) -> tuple[list[RaisedAlert], str]:
    """Those that the user may see, and why there may be more; empty where all is known."""
    store = world.known.store
    if store is None:
        return [], world.why_not_stored(_NO_STORE)
    try:
        found = await stored_alerts(store)
    except StoreError as error:
        return [], f"Alerts could not be read: {safe(str(error))}."
    return [one for one in found if world.sees(one.container.namespace)], ""


def _withheld(number: int) -> str:
    """Of a flood, where there was one."""
    return (
        f" At least {count(number, 'more alert')} came too fast, and {'was' if number == 1 else 'were'} withheld."
        if number
        else ""
    )


def _key(one: RaisedAlert) -> str:
    return "/".join(
        (
            one.rule,
            one.container.namespace,
            one.container.workload or one.container.id,
            one.container.name,
            one.program,
        )
    )


def _row(one: RaisedAlert) -> tuple[Cell, ...]:
    return (
        Cell(one.severity),
        Cell(safe(one.rule), link("alert", id=_key(one)), note=safe(one.title)),
        Cell(safe(place_of(one))),
        Cell(safe(one.message), note=safe(one.program)),
        Cell(f"{one.count:,}"),
        Cell(safe(one.last_seen)),
        Cell("open" if one.accepted is UNSET else "accepted"),
    )


def _facts(one: RaisedAlert) -> list[tuple[str, Cell]]:
    rows = [
        ("Where", place_of(one)),
        ("Image", one.container.image),
        ("Node", one.node),
        ("First", one.first_seen),
        ("Last", one.last_seen),
        ("At stake", one.stake if isinstance(one.stake, str) else ""),
        (
            "Way in, perhaps",
            ", ".join(one.vulnerabilities or ()) if isinstance(one.vulnerabilities, tuple) else "",
        ),
        ("MITRE ATT&CK", " ".join(one.mitre or ())),
    ]
    found = [(name, Cell(safe(text))) for name, text in rows if text]
    accepted = one.accepted
    if accepted is not UNSET and accepted is not None:
        found.append(("Accepted by", Cell(safe(accepted.waiver), note=safe(accepted.reason))))
    return found
