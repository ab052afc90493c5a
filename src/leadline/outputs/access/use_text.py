"""What of the given rights is used, for a terminal, a program and a spreadsheet; and the changes as one diff."""

from collections.abc import Iterator
from datetime import datetime

from leadline.model.access import AccessUse, RoleUse
from leadline.outputs.access.answer_text import csv_text
from leadline.outputs.rows.fix_summary import unread_lines
from leadline.outputs.text.plain import count, plain, wrapped

_LONGEST = 1_000
_SHOWN = 50
"""Roles in text, and lines of one role; the other formats have all."""
_HOLDERS = 3
_HEAD = ("State", "Role", "File", "Holders", "Requests", "What")


def use_lines(use: AccessUse, width: int) -> Iterator[str]:
    """Each role with what was not used and the smaller one as a diff; then how much was observed, and what is not known."""
    idle = [one for one in use.roles if one.unused]
    yield f"roles with unused rights  {len(idle):,} of {len(use.roles):,}"
    for role in idle[:_SHOWN]:
        yield ""
        yield from _role(role, width)
    if len(idle) > _SHOWN:
        yield f"and {count(len(idle) - _SHOWN, 'more role')}; -f json has all"
    yield ""
    yield from wrapped(observed(use), width)
    for note in use.notes:
        yield from wrapped(f"note: {plain(note, _LONGEST)}", width)
    if use.unread:
        yield from unread_lines(use.unread, width, shows_all=False)


def _role(role: RoleUse, width: int) -> Iterator[str]:
    holders = ", ".join(one.title for one in role.holders[:_HOLDERS])
    more = f" and {len(role.holders) - _HOLDERS:,} more" if len(role.holders) > _HOLDERS else ""
    file = f", {role.file}" if role.file else ""
    requests = count(role.requests, "request") if role.requests else "not used at all"
    yield from wrapped(plain(f"{role.role}{file}: {requests}; held by {holders}{more}", _LONGEST), width)
    for word, rows in (("unused", role.unused), ("not known", role.unknown)):
        for text in rows[:_SHOWN]:
            first, *below = wrapped(plain(text, _LONGEST), width - 13) or [""]
            yield f"  {word:9}  {first}"
            yield from (f"             {line}" for line in below)
        if len(rows) > _SHOWN:
            yield f"             and {len(rows) - _SHOWN:,} more; -f json has all"
    if role.why_no_patch:
        yield from (
            f"  {line}" for line in wrapped(f"no change: {plain(role.why_no_patch, _LONGEST)}", width - 2)
        )
    yield from (f"  {plain(line, _LONGEST)}" for line in role.patch)


def observed(use: AccessUse) -> str:
    """``observed 3 days 4 hours (… to …): 4,210 events, 12 sorts of requests replayed and still allowed``."""
    record = use.observed
    elsewhere = f"; {use.elsewhere:,} more that no role that was read allows" if use.elsewhere else ""
    return (
        f"observed {_span(record.first, record.last)}: {count(record.events, 'event')},"
        f" {count(record.refused, 'request')} refused, {count(use.replayed, 'sort')} of requests replayed and still"
        f" allowed after the changes{elsewhere}"
    )


def _span(first: str, last: str) -> str:
    if not first or not last:
        return "for a time that the log does not say"
    minutes = int((datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()) // 60
    days, hours = divmod(minutes // 60, 24)
    parts = [(days, "day"), (hours, "hour"), (minutes % 60, "minute")]
    said = " ".join(count(number, noun) for number, noun in parts if number) or "less than a minute"
    return f"{said} ({first} to {last})"


def use_csv(use: AccessUse) -> str:
    """A row for each role, each unused and each unknown right, then one for each part that was not read."""
    return csv_text(_HEAD, _rows(use))


def _rows(use: AccessUse) -> Iterator[tuple[str, ...]]:
    for role in use.roles:
        holders = " ".join(one.title for one in role.holders)
        for state, texts in (("role", ("",)), ("unused", role.unused), ("not known", role.unknown)):
            yield from ((state, role.role, role.file, holders, str(role.requests), text) for text in texts)
    for part in use.unread:
        yield "not read", "", part.where, "", "", part.why
