"""Changes: what appeared, disappeared and was accepted between two moments, and whether the rules changed or the cluster."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from msgspec import Struct

from leadline.errors import LeadlineError, UsageError
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
_UNITS = ("d", "w", "m", "y")
_MOVED = 10
"""Controls that are listed."""


class Between(Struct, frozen=True):
    """Two moments, RFC 3339 in UTC, both included."""

    first: str
    last: str


def between(since: str, until: str, now: datetime) -> Between:
    """``since`` is a span, ``7d``, or a day or moment in UTC, as is ``until``; empty for now. Raises: ``UsageError``."""
    if since[-1:] in _UNITS:
        first = f"{asked_of('', since, now).since.isoformat()}T00:00:00Z"
    else:
        first = _moment(since, "00:00:00Z")
    last = _moment(until, "23:59:59Z") if until else f"{now:%Y-%m-%dT%H:%M:%SZ}"
    if last < first:
        raise UsageError(f"it ends before it begins: {last} is before {first}")
    return Between(first, last)


def _moment(text: str, time: str) -> str:
    """``2027-01-31T09:00:00Z``; a day alone is taken at ``time``. Raises: ``UsageError``."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"a moment is a day or a time in UTC, 2027-01-31T09:00 (got {text[:40]})") from None
    if len(text.strip()) == len("2027-01-31"):
        return f"{text.strip()}T{time}"
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


async def changes(world: World, ask: Ask) -> Page:
    since, until = ask.one("since") or "7d", ask.one("until")
    if world.known.store is None:
        table = Table("", _COLUMNS, (), NO_HISTORY, unit="change")
        return Page("changes", "Changes", (table,), command="leadline diff OLD NEW")
    try:
        span = between(since, until, now())
        found = await history(world.known.store, asked_of("", span.first[:10], now()))
    except LeadlineError as error:
        table = Table("", _COLUMNS, (), f"{safe(str(error))}.", unit="change")
        return Page(
            "changes", "Changes", (table,), command=world.command("history"), query=(("since", since),)
        )
    first, last = span.first, span.last
    words = ask.one("q").lower().split()
    lives = [life for life in found.lives if _is_seen(world, life)]
    lives = [
        one for one in lives if all(word in f"{one.object} {one.id} {one.title}".lower() for word in words)
    ]
    rows = changed_rows(lives, first, last)
    sections: list[Section] = [
        Choices(
            "Since",
            tuple((words, link("changes", since=span), span == since) for span, words in _SPANS.items()),
        ),
        _counts(lives, first, last),
        Words("Score, rules and data", tuple(score_words(world, found, span))),
        Filter(
            (),
            " ".join(words),
            looks_for="object or control",
            moments=(("since", "From", first[:16]), ("until", "To", last[:16] if until else "")),
        ),
        ask.table("", _COLUMNS, rows, "Nothing changed in this time, as far as it was looked at.", "change"),
        _by_control(lives, first, last),
        Words("Not known", tuple(map(safe, found.notes)), "unseen") if found.notes else Words("", ()),
    ]
    return Page(
        "changes",
        "Changes",
        tuple(one for one in sections if not isinstance(one, Words) or one.paragraphs),
        f"From {first} to {last if until else 'now'}, in UTC.",
        command=world.command("history"),
        query=(
            ("since", since),
            *([("until", until)] if until else []),
            *([("q", " ".join(words))] if words else []),
        ),
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


def score_words(world: World, found: History, span: Between) -> Iterator[str]:
    """How the score changed, and days on which the rules or the database did: what appeared then may be no change of the cluster."""
    counted = [one for one in found.days if one.failed is not None]
    days = [one for one in counted if span.first[:10] <= one.day <= span.last]
    if world.seen is None:
        yield _score([(one.day, one.score, one.rules) for one in days if one.score is not None])
    for old, new in pairwise(counted):
        what = [
            name
            for name, before, now_by in (
                ("rules", old.rules, new.rules),
                ("database", old.database, new.database),
            )
            if before != now_by
        ]
        if what and new in days:
            by = new.rules if "rules" in what else new.database
            yield f"{new.day}: the {' and the '.join(what)} changed, {safe(by)}"


def _score(days: Sequence[tuple[str, float, str]]) -> str:
    """``days`` with score and rules."""
    if len(days) < 2:
        return "How the score changed is not known: at most one day of this time was counted."
    (first, old, before), (last, new, now_by) = days[0], days[-1]
    change = round(new - old, 1)
    way = f"{abs(change)} points {'better' if change > 0 else 'worse'}" if change else "the same"
    by = "; other rules judged it in between" if before != now_by else ""
    return f"Compliance over all controls was {old:.1f} % at the end of {first} and is {new:.1f} % on {last}: {way}{by}."


def _by_control(lives: Iterable[Life], first: str, last: str) -> Table:
    """What moves the score: the controls of which most appeared or went."""
    came: Counter[str] = Counter()
    went: Counter[str] = Counter()
    titles: dict[str, tuple[str, str]] = {}
    for life in lives:
        titles[life.id] = life.severity, life.title
        for change in life.changes:
            if first <= change.at <= last:
                (came if change.state == "failed" else went)[life.id] += 1
    moved = sorted(came.keys() | went.keys(), key=lambda one: (-abs(came[one] - went[one]), one))
    rows = tuple(
        (
            Cell(titles[id][0]),
            Cell(id, link("changes", q=id, since=first), note=safe(titles[id][1])),
            Cell(f"{came[id]:,}"),
            Cell(f"{went[id]:,}"),
        )
        for id in moved[:_MOVED]
    )
    columns = (
        Column("Severity", "severity"),
        Column("Control", "code"),
        Column("Appeared", "number"),
        Column("Went or accepted", "number"),
    )
    return Table("By control", columns, rows, "No control changed.", len(moved), "control")


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
