"""Suggestions: what workloads could be held to by what they were recorded to do, and how far each is."""

from collections.abc import Iterator

from msgspec import UNSET

from leadline.api.kinds.suggestions import HeldTo, Suggestion
from leadline.api.protocol import Paging
from leadline.api.selection import Key, Selection
from leadline.api.stored import Reader
from leadline.errors import LeadlineError, StoreError
from leadline.outputs.text.plain import count
from leadline.scans.explaining.suggestion import explained_suggestion
from leadline.scans.pages.page import Ask, Cell, Column, Lines, Page, Words, link, safe
from leadline.scans.pages.world import World
from leadline.scans.stored.scan_runs import all_of
from leadline.scans.suggesting.applying import objects_text, settings_text
from leadline.scans.suggesting.keeping import SUGGESTIONS
from leadline.scans.suggesting.written import suggestion_lines

_COLUMNS = (
    Column("Workload", "name"),
    Column("State"),
    Column("Suggested", "number"),
    Column("Approved by", "name"),
    Column("Next", note="What it waits for"),
)
_NONE = (
    "No suggestion is stored: they follow from what the agent of the chart (capabilities.nodeAgent) records."
)
_WIDTH = 110
_read = Reader(Suggestion)


async def suggestions(world: World, ask: Ask) -> Page:
    rows: list[tuple[Cell, ...]] = []
    why = world.why_not_stored(_NONE)
    try:
        for entry in await all_of(world.known.store, SUGGESTIONS) if world.known.store else ():
            if world.sees(entry.key.namespace):
                rows.append(_cells(entry.key, _read(entry)))
    except LeadlineError as error:
        why = f"They cannot be read: {safe(str(error.args[0]))}."
    table = ask.table("", _COLUMNS, rows, world.why_empty(why), "suggestion")
    return Page(
        "suggestions",
        "Suggestions",
        (table,),
        "What workloads could be held to, by what they were recorded to do. A person approves, and applies.",
        command=world.kubectl("get", "suggestions", "-A"),
    )


async def suggestion(world: World, ask: Ask) -> Page:
    """Raises: ``LookupError``."""
    namespace, _, name = ask.one("id").partition("/")
    missing = f"no suggestion {safe(ask.one('id'))} is stored, or you may not see it"
    if world.known.store is None or not world.sees(namespace):
        raise LookupError(missing)
    try:
        page = await world.known.store.list(Selection(SUGGESTIONS, namespace, name), Paging(limit=1))
        found = next(map(_read, page.entries), None)
    except StoreError as error:
        raise LookupError(f"it cannot be read: {safe(str(error.args[0]))}") from error
    if found is None:
        raise LookupError(missing)
    at = found.spec.workload
    lines = tuple(map(safe, suggestion_lines(found, _WIDTH)))
    rehearsal = found.status.rehearsal if found.status.rehearsal is not UNSET else None
    why = tuple(map(safe, explained_suggestion(found.spec, rehearsal)))
    return Page(
        "suggestion",
        safe(f"{at.namespace}/{at.kind}/{at.name}"),
        (Words("Why, and how sure", why), Lines("Suggestion", lines), *_to_apply(found.spec)),
        safe(f"{found.status.state or 'draft'}: {found.status.why}"),
        crumbs=(Cell("Suggestions", link("suggestions")),),
        command=world.kubectl("get", "suggestion", name, "-n", namespace, "-o", "yaml"),
        query=(("id", f"{namespace}/{name}"),),
    )


def _to_apply(spec: HeldTo) -> Iterator[Lines]:
    for owner, text in settings_text(spec):
        where = f"container {safe(owner)}" if owner else "the pod"
        lead = "Write it into the manifest, or let leadline harden workload make the diff."
        yield Lines(f"To write into {where}", tuple(text.splitlines()), lead=lead, is_copied=True)
    for kind, text in objects_text(spec):
        lead = "kubectl apply -f - takes it once the suggestion is approved."
        yield Lines(f"{safe(kind)} to apply", tuple(text.splitlines()), lead=lead, is_copied=True)


def _cells(key: Key, one: Suggestion) -> tuple[Cell, ...]:
    at, status = one.spec.workload, one.status
    number = len(one.spec.settings or ()) + len(one.spec.objects or ())
    approval = status.approval
    by = getattr(approval, "by", "")
    return (
        Cell(
            safe(f"{at.namespace}/{at.kind}/{at.name}"), link("suggestion", id=f"{key.namespace}/{key.name}")
        ),
        Cell(safe(status.state or "draft"), note=count(one.spec.observed.complete, "complete profile")),
        Cell(f"{number:,}"),
        Cell(safe(str(by))),
        Cell(safe(status.why)),
    )
