"""Changes: what appeared, disappeared and was accepted between two moments, and whether the rules changed or the cluster."""

from collections import Counter
from collections.abc import Iterable

from leadline.errors import LeadlineError
from leadline.model.control import SEVERITIES
from leadline.model.history import History, Life
from leadline.scans.pages.moments import now
from leadline.scans.pages.page import (
    Ask,
    Cell,
    Choices,
    Column,
    Counts,
    Filter,
    Page,
    Section,
    Table,
    Words,
    link,
    safe,
)
from leadline.scans.pages.world import World
from leadline.scans.stored.history.reading import asked_of, history

_COLUMNS = (
    Column("When", "date"),
    Column("Became"),
    Column("Severity", "severity"),
    Column("Control", "code"),
    Column("Object", "name"),
)
NO_HISTORY = "No history is stored: the operator keeps it, and so does a stored scan of a whole cluster."
_SPANS = {"1d": "yesterday", "7d": "a week", "30d": "a month", "1y": "a year"}
_WORDS = {
    "failed": "appeared",
    "accepted": "accepted",
    "passed": "fixed",
    "not judged": "not judged any more",
    "gone": "gone with its object",
}
_RANK: dict[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}
_END = "~"
"""After every moment."""


async def changes(world: World, ask: Ask) -> Page:
    since, until = ask.one("since") or "7d", ask.one("until")
    if world.known.store is None:
        table = Table("", _COLUMNS, (), NO_HISTORY, unit="change")
        return Page("changes", "Changes", (table,), command="leadline diff OLD NEW")
    try:
        asked = asked_of("", since, now())
        found = await history(world.known.store, asked)
    except LeadlineError as error:
        table = Table("", _COLUMNS, (), f"{safe(str(error))}.", unit="change")
        return Page("changes", "Changes", (table,), command="leadline history", query=(("since", since),))
    first, last = _moment(since, found.since), until or _END
    words = ask.one("q").lower().split()
    lives = [life for life in found.lives if _is_seen(world, life)]
    lives = [
        one for one in lives if all(word in f"{one.object} {one.id} {one.title}".lower() for word in words)
    ]
    rows = changed_rows(lives, first, last)
    shown, pages = ask.cut(rows)
    sections: list[Section] = [
        Choices(
            "Since",
            tuple((words, link("changes", since=span), span == since) for span, words in _SPANS.items()),
        ),
        _counts(lives, first, last),
        *_rules(found, first, last),
        Filter((), " ".join(words), (("since", since),), "object or control"),
        Table(
            "",
            _COLUMNS,
            shown,
            "Nothing changed in this time, as far as it was looked at.",
            len(rows),
            "change",
            pages,
        ),
        Words("Not known", tuple(map(safe, found.notes)), "unseen") if found.notes else Words("", ()),
    ]
    return Page(
        "changes",
        "Changes",
        tuple(one for one in sections if not isinstance(one, Words) or one.paragraphs),
        f"From {first} to {until or 'now'}.",
        command="leadline history",
        query=(
            ("since", since),
            *([("until", until)] if until else []),
            *([("q", " ".join(words))] if words else []),
        ),
        parts=-(-len(rows) // ask.rows),
    )


def _is_seen(world: World, life: Life) -> bool:
    """By the namespace at the front of ``shop/Deployment/web``."""
    parts = life.object.split("/")
    return world.sees(parts[0] if len(parts) == 3 else "")


def _counts(lives: Iterable[Life], first: str, last: str) -> Counts:
    became: Counter[str] = Counter()
    for life in lives:
        for change in life.changes:
            if first <= change.at <= last:
                became[change.state] += 1
    looks = {"failed": "high", "passed": "good", "gone": "good", "accepted": "medium"}
    cells = tuple(
        (Cell(f"{became[state]:,}", note=words), looks.get(state, ""))
        for state, words in _WORDS.items()
        if became[state] or state in ("failed", "passed")
    )
    return Counts("What became of findings", cells)


def _rules(found: History, first: str, last: str) -> list[Section]:
    """Days on which the rules or the database changed: what appeared then may be no change of the cluster."""
    lines, before = [], None
    for day in found.days:
        if day.failed is None:
            continue
        now_by = (day.rules, day.database)
        if before is not None and now_by != before and first[:10] <= day.day <= last:
            what = [
                name
                for name, old, new in zip(("rules", "database"), before, now_by, strict=True)
                if old != new
            ]
            lines.append(
                f"{day.day}: the {' and the '.join(what)} changed, {safe(day.rules if 'rules' in what else day.database)}"
            )
        before = now_by
    return [Words("Rules and data", tuple(lines))] if lines else []


def _moment(since: str, first_day: str) -> str:
    """A moment as it was asked for, else the beginning of the first day."""
    return since if len(since) > len("2027-01-31") else f"{first_day}T00:00:00Z"


async def object_changes(world: World, title: str) -> Table:
    """What became of the findings of one object in the last year, the newest change first."""
    if world.known.store is None:
        return Table("History", _COLUMNS, (), NO_HISTORY, unit="change")
    try:
        found = await history(world.known.store, asked_of(title, "1y", now()))
    except LeadlineError as error:
        return Table("History", _COLUMNS, (), f"No history: {safe(str(error))}.", unit="change")
    rows = changed_rows(found.lives, "", _END)
    return Table(
        "History", _COLUMNS, rows[:50], "Nothing changed since it was first seen.", len(rows), "change"
    )


def changed_rows(lives: Iterable[Life], since: str, until: str) -> tuple[tuple[Cell, ...], ...]:
    rows = [
        (change.at, life, change.state, change.by)
        for life in lives
        for change in life.changes
        if since <= change.at <= until
    ]
    rows.sort(key=lambda row: (_RANK.get(row[1].severity, len(_RANK)), row[1].object, row[1].id))
    rows.sort(key=lambda row: row[0], reverse=True)
    return tuple(
        (
            Cell(at),
            Cell(_WORDS.get(state, state), note=f"because the {by} changed" if by else ""),
            Cell(life.severity),
            Cell(life.id, note=safe(life.title)),
            Cell(safe(life.object)),
        )
        for at, life, state, by in rows
    )
