"""Behaviour: what the containers of each workload revision were recorded to do, and how completely."""

from leadline.errors import LeadlineError
from leadline.model.profile import Profile
from leadline.outputs.text.plain import count
from leadline.scans.pages.page import Ask, Cell, Column, Facts, Page, Section, Table, link, safe
from leadline.scans.pages.world import World
from leadline.scans.rehearsing.written import duration, moment
from leadline.scans.stored.behaviour import StoredRecord, stored_records

_COLUMNS = (
    Column("Container", "name"),
    Column("Record"),
    Column("Programs", "number"),
    Column("Files written", "number"),
    Column("Connections", "number"),
    Column("Until", "date"),
)
_NONE = "Nothing is recorded: the agent of the chart (capabilities.nodeAgent) stores what containers do."
_MOST = 200
"""Of each list of one container."""
_WRITES = frozenset({"O_WRONLY", "O_RDWR"})


async def behaviour(world: World, ask: Ask) -> Page:
    records, why = await recorded_by(world)
    rows = [_cells(one) for one in records]
    table = ask.table("", _COLUMNS, rows, world.why_empty(why), "container")
    return Page(
        "behaviour",
        "Behaviour",
        (table,),
        "What containers were recorded to do: those of all replicas of a revision are one.",
        command=world.kubectl("get", "containerprofiles", "-A"),
    )


async def recorded(world: World, ask: Ask) -> Page:
    """One container. Raises: ``LookupError``."""
    id = ask.one("id")
    records, _ = await recorded_by(world)
    found = next((one for one in records if _id(one) == id), None)
    if found is None:
        raise LookupError(f"nothing is recorded of {safe(id)}, or you may not see it")
    profile = found.record.profile
    container = profile.container
    sections: tuple[Section, ...] = (
        Facts(
            "Record",
            (
                ("Completeness", Cell(_said(found))),
                ("Image", Cell(safe(container.image), link("images", q=container.image))),
                ("Capabilities used", Cell(safe(", ".join(profile.capabilities)) or "none")),
                ("Users", Cell(", ".join(map(str, profile.users)) or "not recorded")),
                ("System calls", Cell(f"{len(profile.syscalls):,}")),
            ),
        ),
        _list("Connections", [_peer(profile, place) for place in range(len(profile.peers))], "connection"),
        _list(
            "Programs",
            [f"{one.path} {' '.join(one.arguments[1:])}".strip() for one in profile.executed],
            "program",
        ),
        _list("Files written", _written(profile), "file"),
        _list("Loaded", list(profile.loaded), "file"),
    )
    return Page(
        "recorded",
        safe(_title(found)),
        sections,
        crumbs=(Cell("Behaviour", link("behaviour")),),
        command=world.kubectl("get", "containerprofile", found.name, "-n", container.namespace, "-o", "json"),
        query=(("id", id),),
    )


async def recorded_by(world: World) -> tuple[list[StoredRecord], str]:
    """As far as the user may see them, and why there is none."""
    if world.known.store is None:
        return [], world.why_not_stored(_NONE)
    try:
        records = await stored_records(world.known.store)
    except LeadlineError as error:
        return [], f"It cannot be read: {safe(str(error.args[0]))}."
    mine = [one for one in records if world.sees(one.record.profile.container.namespace)]
    return sorted(mine, key=_title), _NONE


def _id(one: StoredRecord) -> str:
    return f"{one.record.profile.container.namespace}/{one.name}"


def _title(one: StoredRecord) -> str:
    container = one.record.profile.container
    return f"{container.namespace}/{container.workload_kind}/{container.workload}, container {container.name}"


def _said(one: StoredRecord) -> str:
    profile = one.record.profile
    longest = f", the longest for {duration(one.record.longest_s)}" if one.record.whole else ""
    whole = f"{count(len(one.record.whole), 'container')} seen from the start{longest}"
    state = "learned" if one.is_complete else profile.completion
    return safe("; ".join((state, whole, *profile.reasons)))


def _cells(one: StoredRecord) -> tuple[Cell, ...]:
    profile = one.record.profile
    return (
        Cell(safe(_title(one)), link("recorded", id=_id(one))),
        Cell(_said(one)),
        Cell(f"{len({program.path for program in profile.executed}):,}"),
        Cell(f"{len(_written(profile)):,}"),
        Cell(f"{len(profile.peers):,}"),
        Cell(moment(profile.until_s)),
    )


def _written(profile: Profile) -> list[str]:
    opened = [file.path for file in profile.opened if _WRITES.intersection(file.flags)]
    return sorted({*opened, *(change.path for change in profile.changed)})


def _peer(profile: Profile, place: int) -> str:
    one = profile.peers[place]
    names = f" ({', '.join(one.names[:3])})" if one.names else ""
    return f"{one.direction} {one.address or 'at'} port {one.port}/{one.protocol}{names}"


def _list(title: str, texts: list[str], unit: str) -> Table:
    rows = tuple((Cell(safe(text)),) for text in texts[:_MOST])
    return Table(title, (Column(unit.capitalize(), "code"),), rows, "None was recorded.", len(texts), unit)
