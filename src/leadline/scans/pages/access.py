"""Access: who is or can become cluster admin and by which steps, what subjects of bindings fail, and what is never used."""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from leadline.api.kinds.scans import KnownAdmin
from leadline.errors import StoreError
from leadline.model.access import Access, RoleUse
from leadline.model.control import Control
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.text.plain import count
from leadline.scans.access.target import access_of
from leadline.scans.access.to_admin import to_admin
from leadline.scans.access.written import holders, observed
from leadline.scans.pages.page import (
    Ask,
    Cell,
    Column,
    Counts,
    Lines,
    Page,
    Section,
    Table,
    Words,
    link,
    safe,
)
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
_ROLES = (
    Column("Role", "name", "File"),
    Column("Requests", "number"),
    Column("Held by"),
    Column("Never used", note="Not known"),
)
_KINDS = frozenset(("User", "Group", "ServiceAccount"))
_NAMED = 3
_FIRST = 5
"""Roles that the page about access shows."""
_MOST = 100
_NO_BODIES = "No stored scan looked for them: roles and bindings have to be among what it reads. leadline access to-admin reads the cluster."
_NO_LOG = (
    "Not known: which rights are used is in the audit logs of the API server."
    " leadline ui shows it here of files with an audit log, leadline access unused of the cluster."
)


async def access(world: World, ask: Ask) -> Page:
    target = access_of(world.known.report)
    paths = [one for one in to_admin(target).found if world.sees(one.subject.namespace)] if target else []
    stored, unread = await _stored(world) if target is None else (None, "")
    rows_of_paths = [_path(one) for one in paths] or [_stored_path(one) for one in stored or ()]
    nothing = "No binding that was read leads to cluster admin."
    why = nothing if target is not None or stored is not None else unread or _NO_BODIES
    columns = _PATHS if stored is None else _STORED_PATHS
    subjects = [one for one in world.report.resources if one.origin.kind == "derived" and one.kind in _KINDS]
    rows = sorted(
        _subjects(world, subjects), key=lambda row: (-_number(row[1]), -_number(row[2]), row[0].text)
    )
    failing = "What subjects of bindings fail", _SUBJECTS, tuple(rows[:_MOST])
    admins = len({one.subject for one in paths if not one.way})
    may = len({one.subject for one in paths}) - admins
    numbers = (
        (Cell(f"{admins:,}", note="are cluster admin"), "critical" if admins else ""),
        (Cell(f"{may:,}", note="can become it"), "critical" if may else ""),
        (Cell(f"{len(subjects):,}", note="named by bindings and judged"), ""),
    )
    sections: tuple[Section, ...] = (
        Counts("Subjects", numbers if target is not None else numbers[2:]),
        ask.table("Who is or can become cluster admin", columns, rows_of_paths, world.why_empty(why), "path"),
        Table(*failing, world.why_empty("No subject of a binding fails a control."), len(rows), "subject"),
        _never_used(world, _FIRST),
        *_unseen("that may hold roles or bindings", target.unread if target else (), world),
    )
    return Page(
        "access",
        "Access",
        sections,
        "Who can reach cluster admin by roles and bindings, by which steps, and what is never used.",
        command=world.command("access", "to-admin"),
    )


async def unused(world: World, ask: Ask) -> Page:
    """What of each role no recorded request used; of one that is asked for also the smallest role, as a diff."""
    use, name = world.known.use, ask.one("role")
    command = world.command("access", "unused")
    if use is None or not name:
        table = _never_used(world, ask.rows, ask)
        notes = tuple(safe(one) for one in (*([observed(use)] if use else ()), *(use.notes if use else ())))
        said = (Words("How much was observed", notes),) if notes else ()
        unread = _unseen("of the logs or of what holds roles and bindings", use.unread if use else (), world)
        lead = "What of the given rights no recorded request used."
        return Page("unused", "Never used", (table, *said, *unread), lead, command=command)
    role = next((one for one in _roles(world) if (one.role, one.file) == (name, ask.one("file"))), None)
    if role is None:
        raise LookupError("no such role")
    lists = (("Never used", role.unused), ("Not known", role.unknown))
    words = (Words(title, tuple(map(safe, texts))) for title, texts in lists if texts)
    lead = (
        role.why_no_patch
        or "Every recorded request was replayed with all changes made, and is still allowed."
    )
    lines = tuple(map(safe, role.patch))
    smaller = Lines("The smallest role that covers what was used", lines, lead=safe(lead))
    crumbs = (Cell("Access", link("access")), Cell("Never used", link("unused")))
    query = (("role", name), ("file", role.file))
    sections = (_roles_table([role], 1), *words, *((smaller,) if role.unused else ()))
    return Page("unused", safe(role.role), sections, crumbs=crumbs, command=command, query=query)


def _roles(world: World) -> list[RoleUse]:
    """Those whose namespace the user may see, most that was never used first."""
    seen = [
        replace(one, holders=tuple(holder for holder in one.holders if world.sees(holder.namespace)))
        for one in (world.known.use.roles if world.known.use else ())
        if world.sees(_namespace_of(one.role))
    ]
    return sorted(seen, key=lambda one: (bool(one.requests), -len(one.unused), one.role))


def _never_used(world: World, most: int, ask: Ask | None = None) -> Table:
    idle = [one for one in _roles(world) if one.unused]
    first, pages = ask.span(len(idle)) if ask else (0, None)
    return _roles_table(idle[first : first + most], len(idle), pages, world)


def _roles_table(
    roles: Sequence[RoleUse], total: int, pages: tuple[int, int] | None = None, world: World | None = None
) -> Table:
    rows = tuple(
        (
            Cell(safe(one.role), link("unused", role=one.role, file=one.file), note=safe(one.file)),
            Cell(f"{one.requests:,}"),
            Cell(safe(holders(one))),
            Cell(safe("; ".join(one.unused)), note=safe("; ".join(one.unknown))),
        )
        for one in roles
    )
    has_log = world is None or world.known.use is not None
    why = (
        "Every right of the roles that were read was used while the log was written." if has_log else _NO_LOG
    )
    more = link("unused") if len(rows) < total and pages is None else None
    return Table("Never used", _ROLES, rows, why, total, "role", pages, more)


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
    """Of ``shop/ServiceAccount/api`` and ``shop/Role/api``; users, groups and ClusterRoles are in none."""
    namespace, _, rest = title.partition("/")
    return namespace if rest.startswith(("ServiceAccount/", "Role/")) else ""


def _stored_path(one: KnownAdmin) -> tuple[Cell, ...]:
    return Cell(safe(one.subject)), Cell(safe(one.since) or "since the first look"), Cell(safe(one.how))


def _subjects(world: World, subjects: list[Resource]) -> Iterator[tuple[Cell, ...]]:
    failed: dict[str, dict[str, Control]] = {}
    for one in world.report.findings:
        failed.setdefault(one.resource, {})[one.control] = one.control_of(world.report.controls_by_id)
    for subject in subjects:
        fails = failed.get(subject.id, {}).values()
        counts = Counter(control.severity for control in fails)
        worst = sorted(fails, key=lambda control: (-control.score, control.id))
        named = ", ".join(control.problem or control.title for control in worst[:_NAMED])
        more = f" and {len(worst) - _NAMED:,} more" if len(worst) > _NAMED else ""
        if worst:
            yield (
                Cell(world.title(subject), link("workload", id=object_key(subject.id))),
                Cell(f"{counts['critical']:,}"),
                Cell(f"{counts['high']:,}"),
                Cell(f"{named}{more}"),
            )


def _number(cell: Cell) -> int:
    return int(cell.text.replace(",", ""))


def _unseen(what: str, unread: Sequence[Unread], world: World) -> tuple[Words, ...]:
    if not unread:
        return ()
    named = unread[:_NAMED] if world.seen is None else ()
    lead = f"{count(len(unread), 'part')} {what} could not be read, so that more may be possible."
    return (Words("Not seen", (lead, *(safe(f"{one.where}: {one.why}") for one in named)), "unseen"),)
