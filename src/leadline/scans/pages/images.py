"""Images: what is in them, what is wrong with it, which upgrade removes most, and who runs a package."""

from collections import Counter

from msgspec.structs import replace

from leadline.model.vulnerability import RATINGS
from leadline.outputs.text.plain import count
from leadline.scans.pages.image_entries import Flaw, ImageEntry
from leadline.scans.pages.page import (
    Ask,
    Cell,
    Column,
    Facts,
    Filter,
    First,
    Page,
    Section,
    Table,
    Words,
    link,
)
from leadline.scans.pages.rows import object_key
from leadline.scans.pages.world import World, shell

_STEPS = 5
IMAGE_COLUMNS = (
    Column("Image", "name"),
    Column("Exploited", "number"),
    Column("Critical", "number"),
    Column("High", "number"),
    Column("All", "number"),
    Column("With a fix", "number"),
    Column("Runs in", "name"),
)
_COUNTED_COLUMNS = (Column("Image", "name", note="Digest"), *IMAGE_COLUMNS[1:4], Column("Source", "name"))
_PACKAGE_COLUMNS = (Column("Package", "code"), Column("Image", "name"), Column("Runs in", "name"))


def why_no_images(world: World, why: str) -> str:
    return world.why_empty(why if world.known.images else world.known.why_no_images or why)


def why_no_uses(world: World, why: str) -> str:
    """For what lists the images of an object or a namespace."""
    return world.known.why_no_uses or why_no_images(world, why)


def image_cells(world: World, one: ImageEntry) -> tuple[Cell, ...]:
    """Numbers of what was not matched are not zero: they are not known."""
    note = "" if one.is_matched else "not matched with a vulnerability database"
    shown = (*_urgent(one), *(_number(one, number) for number in (len(one.flaws), one.fixable)))
    return (Cell(one.name, link("image", id=one.key), note), *shown, _users(world, one))


def _urgent(one: ImageEntry) -> tuple[Cell, ...]:
    """Exploited, critical and high ones."""
    numbers = (one.exploited, one.severities.get("critical", 0), one.severities.get("high", 0))
    return tuple(_number(one, number) for number in numbers)


def _number(one: ImageEntry, number: int) -> Cell:
    return Cell(f"{number:,}" if one.is_matched else "not known")


def _users(world: World, one: ImageEntry) -> Cell:
    titles = list(dict.fromkeys(use.title for use in one.uses))
    if not titles:
        return Cell("nothing that was read")
    more = f" and {len(titles) - 2:,} more" if len(titles) > 2 else ""
    first = next((use.resource for use in one.uses if use.resource), "")
    target = link("workload", id=object_key(first)) if first and first in world.report.by_id else None
    return Cell(", ".join(titles[:2]) + more, target)


def _worst_first(one: ImageEntry) -> tuple[object, ...]:
    return (-one.exploited, [-one.severities.get(name, 0) for name in RATINGS], one.name)


async def images(world: World, ask: Ask) -> Page:
    words = ask.one("q").strip().lower()
    entries = sorted(world.images, key=_worst_first)
    if world.known.image_lists:
        return _counted(world, ask, words, entries)
    if words:
        return _searched(world, ask, words, entries)
    rows = [image_cells(world, one) for one in entries]
    table = ask.table("Images", IMAGE_COLUMNS, rows, why_no_images(world, "No image was scanned."), "image")
    flaws = sum(len(one.flaws) for one in entries)
    unmatched = sum(not one.is_matched for one in entries)
    lead = f"{count(flaws, 'vulnerability', 'vulnerabilities')} in {count(len(entries), 'image')}, each counted once for an image."
    if unmatched:
        lead += f" {count(unmatched, 'image')} not matched: nothing is known of {'it' if unmatched == 1 else 'them'}."
    return Page(
        "images",
        "Images and vulnerabilities",
        (
            Filter((), "", looks_for="package, version or CVE, as in log4j 2.14"),
            _upgrades(entries, world),
            table,
        ),
        lead if entries else "",
        command=_command(world),
    )


def _counted(world: World, ask: Ask, words: str, entries: list[ImageEntry]) -> Page:
    """Those of which numbers are known. ``words`` are looked for in names and digests."""
    wanted = words.split()
    found = [one for one in entries if all(word in f"{one.name} {one.digest}".lower() for word in wanted)]
    why = "No image is called so." if entries else world.known.why_no_images
    rows = [
        (
            Cell(one.name, link("image", id=one.key), ", ".join((one.digest, *one.unread))),
            *_urgent(one),
            Cell(", ".join(use.title for use in one.uses)),
        )
        for one in found
    ]
    table = ask.table("Images", _COUNTED_COLUMNS, rows, world.why_empty(why), "image")
    lists = Words("Not listed here", (world.known.image_lists,), "unseen")
    unmatched = sum(not one.is_matched for one in found)
    lead = f"{count(len(found), 'image')}, each once for each source that reports it."
    if unmatched:
        lead += f" {count(unmatched, 'image')} not matched: nothing is known of {'it' if unmatched == 1 else 'them'}."
    return Page(
        "images",
        "Images and vulnerabilities",
        (Filter((), words, looks_for="name or digest of an image"), table, lists),
        lead if found else "",
        command=world.known.command,
        query=(("q", words),) if words else (),
    )


def _command(world: World) -> str:
    return world.command("get", "images") if world.known.store else world.known.command


def _upgrades(entries: list[ImageEntry], world: World) -> First:
    removed: Counter[tuple[str, str]] = Counter()
    spread: Counter[tuple[str, str]] = Counter()
    for one in entries:
        for step in one.steps:
            removed[step.name, step.to] += len(step.removes)
            spread[step.name, step.to] += 1
    rows = tuple(
        (
            Cell(
                f"{name} to {to}",
                link("images", q=name),
                f"removes {count(number, 'vulnerability', 'vulnerabilities')} in {count(spread[name, to], 'image')}",
            ),
            f"{number:,}",
        )
        for (name, to), number in removed.most_common(_STEPS)
    )
    why = (
        "No vulnerability has a fixed version to upgrade to."
        if any(one.is_matched for one in entries)
        else "No image was matched with a vulnerability database."
    )
    return First("Which upgrade removes most", rows, why_no_images(world, why))


def _searched(world: World, ask: Ask, words: str, entries: list[ImageEntry]) -> Page:
    wanted = words.split()
    packages = [
        (Cell(package), Cell(one.name, link("image", id=one.key)), _users(world, one))
        for one in entries
        for package in one.packages
        if all(word in package.lower() for word in wanted)
    ]
    flaws = [
        (*_flaw_cells(flaw), Cell(one.name, link("image", id=one.key)), _users(world, one))
        for one in entries
        for flaw in one.flaws
        if all(word in f"{flaw.id} {flaw.package} {flaw.version}".lower() for word in wanted)
    ]
    unread = sum(bool(one.unread) for one in entries)
    why = (
        f"No image that was read holds a package called so; {count(unread, 'image')} could not be read wholly."
        if unread
        else "No image holds a package called so."
    )
    found = ask.table("Who runs it", _PACKAGE_COLUMNS, packages, why_no_images(world, why), "package")
    columns = (*_FLAW_COLUMNS, Column("Image", "name"), Column("Runs in", "name"))
    why = why_no_images(world, "No known vulnerability matches.")
    known = ask.table("What is known to be wrong with it", columns, flaws, why, "vulnerability")
    known = replace(known, pages=None if found.pages else known.pages)
    return Page(
        "images",
        "Images and vulnerabilities",
        (Filter((), words, looks_for="package, version or CVE, as in log4j 2.14"), found, known),
        crumbs=(Cell("All images", link("images")),),
        command=_command(world),
        query=(("q", words),),
    )


_FLAW_COLUMNS = (
    Column("Severity", "severity"),
    Column("Vulnerability", "code"),
    Column("Package", "code"),
    Column("Upgrade to", "code"),
)


def _flaw_cells(flaw: Flaw) -> tuple[Cell, ...]:
    notes = ["known to be exploited"] if flaw.is_exploited else []
    if flaw.is_loaded is not None:
        notes.append("loaded at run time" if flaw.is_loaded else "not loaded at run time")
    return (
        Cell(flaw.severity),
        Cell(flaw.id, link("images", q=flaw.id), ", ".join(notes)),
        Cell(f"{flaw.package} {flaw.version}", note=flaw.summary),
        Cell(flaw.fixed_in or "no fix"),
    )


async def image(world: World, ask: Ask) -> Page:
    one = next((entry for entry in world.images if entry.key == ask.one("id")), None)
    if one is None:
        raise LookupError(
            "this image is not there: nothing runs it any more, or only in namespaces that you may not see"
        )
    why = (
        "No known vulnerability."
        if one.is_matched
        else "Not known: it was not matched with a vulnerability database."
    )
    steps = tuple(
        (
            Cell(
                f"{step.name} to {step.to}",
                note=f"removes {', '.join(step.removes[:6])}{' and more' if len(step.removes) > 6 else ''}",
            ),
            f"{len(step.removes):,}",
        )
        for step in one.steps[:_STEPS]
    )
    facts = (
        ("Digest", Cell(one.digest or "not known", copies=one.digest)),
        ("Distribution", Cell(one.distro or "none")),
        ("Packages", Cell(f"{one.sums.packages if one.sums else len(one.packages):,}")),
        ("Scanned", Cell(one.scanned or "with this report")),
        ("Database", Cell(one.database or "none")),
        ("Accepted", Cell(f"{one.accepted:,}")),
    )
    uses = tuple(
        (
            Cell(
                use.title,
                link("workload", id=object_key(use.resource)) if use.resource in world.report.by_id else None,
            ),
            Cell(use.container),
        )
        for use in one.uses
    )
    listed: list[Section] = [
        First(
            "Which upgrade removes most",
            steps,
            "No vulnerability has a fixed version to upgrade to." if one.is_matched else why,
        ),
        ask.table(
            "Vulnerabilities", _FLAW_COLUMNS, [_flaw_cells(flaw) for flaw in one.flaws], why, "vulnerability"
        ),
        Table(
            "Where it runs",
            (Column("Object", "name"), Column("Container")),
            uses,
            "Nothing that was read runs it.",
            unit="container",
        ),
    ]
    if one.sums is not None:
        names = ("Exploited", "Critical", "High")
        listed = [
            Facts("Vulnerabilities", tuple(zip(names, _urgent(one), strict=True))),
            Facts("Sources", tuple(("Source", Cell(use.title)) for use in one.uses)),
            Words("Not listed here", (world.known.image_lists,), "unseen"),
        ]
    sections = [
        Words("Not seen", one.unread, "unseen") if one.unread else None,
        *listed,
        Facts("The image", facts),
    ]
    return Page(
        "image",
        one.name,
        tuple(section for section in sections if section),
        crumbs=(Cell("Images", link("images")),),
        command=shell("leadline", "scan", "image", one.name),
        query=(("id", one.key),),
    )
