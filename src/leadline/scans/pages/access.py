"""Access: who is or can become cluster admin and by which steps, what subjects of bindings fail, and what is never used."""

from collections import Counter
from collections.abc import Iterator

from leadline.api.kinds.scans import KnownAdmin
from leadline.errors import StoreError
from leadline.model.access import Access
from leadline.model.resource import Resource
from leadline.outputs.text.plain import count
from leadline.scans.access.target import AccessTarget, access_of
from leadline.scans.access.to_admin import to_admin
from leadline.scans.pages.page import Ask, Cell, Column, Counts, Page, Section, Table, Words, link, safe
from leadline.scans.pages.rows import object_key
from leadline.scans.pages.world import World
from leadline.scans.stored.history.admins import known_admins

_PATHS = (Column("Subject", "name"), Column("How"), Column("Steps"))
_STORED_PATHS = (Column("Subject", "name"), Column("Since", "date"), Column("Steps"))
_SUBJECTS = (
    Column("Subject", "name"),
    Column("Critical", "number"),
    Column("High", "number"),
    Column("Fails"),
)
_KINDS = frozenset(("User", "Group", "ServiceAccount"))
_NAMED = 3
_NO_BODIES = "No stored scan looked for them: roles and bindings have to be among what it reads. leadline access to-admin reads the cluster."


async def access(world: World, ask: Ask) -> Page:
    target = access_of(world.known.report)
    paths = _paths(world, target) if target is not None else []
    stored, unread = await _stored(world) if target is None else (None, "")
    rows_of_paths = [_path(one) for one in paths] or [_stored_path(one) for one in stored or ()]
    shown, pages = ask.cut(rows_of_paths)
    if target is not None or stored is not None:
        why = world.why_empty("No binding that was read leads to cluster admin.")
    else:
        why = world.why_empty(unread or _NO_BODIES)
    columns = _PATHS if stored is None else _STORED_PATHS
    table = Table(
        "Who is or can become cluster admin", columns, shown, why, len(rows_of_paths), "path", pages
    )
    subjects = [one for one in world.report.resources if one.origin.kind == "derived" and one.kind in _KINDS]
    rows = sorted(
        _subjects(world, subjects), key=lambda row: (-_number(row[1]), -_number(row[2]), row[0].text)
    )
    admins = len({one.subject for one in paths if not one.way})
    may = len({one.subject for one in paths}) - admins
    numbers = (
        (Cell(f"{admins:,}", note="are cluster admin"), "critical" if admins else ""),
        (Cell(f"{may:,}", note="can become it"), "critical" if may else ""),
        (Cell(f"{len(subjects):,}", note="named by bindings and judged"), ""),
    )
    sections: tuple[Section, ...] = (
        Counts("Subjects", numbers if target is not None else numbers[2:]),
        table,
        Table(
            "What subjects of bindings fail",
            _SUBJECTS,
            tuple(rows[:_MOST]),
            world.why_empty("No subject of a binding fails a control."),
            len(rows),
            "subject",
        ),
        Words("Never used", (_UNUSED,)),
        *_unseen(target, world),
    )
    return Page(
        "access",
        "Access",
        sections,
        "Who can reach cluster admin by roles and bindings, and by which steps.",
        command="leadline access to-admin",
        parts=-(-len(rows_of_paths) // ask.rows),
    )


_MOST = 100
_UNUSED = (
    "Which rights are never used is in the audit logs of the API server, which pages do not read:"
    " leadline access unused shows them by a log, with the smallest role that covers the rest."
)


def _paths(world: World, target: AccessTarget) -> list[Access]:
    """The shortest first; those of subjects whose namespace the user may see."""
    return [one for one in to_admin(target).found if world.sees(one.subject.namespace)]


def _path(one: Access) -> tuple[Cell, ...]:
    steps = "; ".join(step.text for step in one.steps)
    return Cell(safe(one.subject.title)), Cell(safe(one.way) or "is cluster admin"), Cell(safe(steps))


async def _stored(world: World) -> tuple[list[KnownAdmin] | None, str]:
    """Those that a store names and the user may see; ``None`` where no scan looked, and why where it cannot be read."""
    if world.known.store is None:
        return None, ""
    try:
        found = await known_admins(world.known.store)
    except StoreError as error:
        return None, f"They cannot be read: {safe(str(error.args[0]))}."
    if found is None:
        return None, ""
    return [one for one in found if world.sees(_namespace_of(one.subject))], ""


def _namespace_of(title: str) -> str:
    """Of ``shop/ServiceAccount/api``; users and groups are in none."""
    namespace, mark, rest = title.partition("/")
    return namespace if mark and rest.startswith("ServiceAccount/") else ""


def _stored_path(one: KnownAdmin) -> tuple[Cell, ...]:
    return Cell(safe(one.subject)), Cell(safe(one.since) or "since the first look"), Cell(safe(one.how))


def _subjects(world: World, subjects: list[Resource]) -> Iterator[tuple[Cell, ...]]:
    controls = {control.id: control for control in world.report.controls}
    failed: dict[str, set[str]] = {}
    for one in world.report.findings:
        failed.setdefault(one.resource, set()).add(one.control)
    for subject in subjects:
        ids = failed.get(subject.id, set())
        counts = Counter(controls[id].severity for id in ids)
        worst = sorted(ids, key=lambda one: (-controls[one].score, one))
        named = ", ".join(controls[id].problem or controls[id].title for id in worst[:_NAMED])
        more = f" and {len(worst) - _NAMED:,} more" if len(worst) > _NAMED else ""
        if ids:
            yield (
                Cell(world.title(subject), link("workload", id=object_key(subject.id))),
                Cell(f"{counts['critical']:,}"),
                Cell(f"{counts['high']:,}"),
                Cell(f"{named}{more}"),
            )


def _number(cell: Cell) -> int:
    return int(cell.text.replace(",", ""))


def _unseen(target: AccessTarget | None, world: World) -> tuple[Words, ...]:
    if target is None or not target.unread:
        return ()
    named = target.unread[:_NAMED] if world.seen is None else ()
    first = tuple(safe(f"{one.where}: {one.why}") for one in named)
    lead = f"{count(len(target.unread), 'part')} that may hold roles or bindings could not be read, so that more may be possible."
    return (Words("Not seen", (lead, *first), "unseen"),)
