"""A rehearsal as lines for people and as data."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from leadline.model.profile import MANY, Use
from leadline.model.rehearsal import Outcome, RehearsalReport, Rehearsed
from leadline.model.unread import Unread
from leadline.outputs.rows.fix_summary import unread_lines
from leadline.outputs.text.plain import count, plain, wrapped
from leadline.scans.rehearsing.rehearsal import container_title

_SHOWN = 40
"""Of each verdict of a container, and of what was not judged."""
_MOST_PROGRAMS = 3
_WORDS = {"blocked": "would be blocked", "unknown": "not known"}


def rehearsal_document(report: RehearsalReport) -> dict[str, Any]:
    return {
        "blocked": report.number("blocked"),
        "unknown": report.number("unknown"),
        "allowed": report.number("allowed"),
        "containers": [
            {
                "container": msgspec.to_builtins(one.container),
                "title": plain(container_title(one.container)),
                "completion": one.completion,
                "reasons": one.reasons,
                "since": moment(one.since_s),
                "until": moment(one.until_s),
                "outcomes": [_row(outcome) for outcome in one.outcomes],
            }
            for one in report.containers
        ],
        "policies": report.policies,
        "notJudged": [
            {"where": plain(one.where, 4096), "why": plain(one.why, 1000)} for one in report.not_judged
        ],
        "notRead": [{"where": plain(one.where, 4096), "why": plain(one.why, 1000)} for one in report.unread],
        "notes": report.notes,
    }


def rehearsal_lines(report: RehearsalReport, width: int) -> Iterator[str]:
    for one in report.containers:
        if one.outcomes:
            yield from _container_lines(one, width)
            yield ""
    if report.not_judged:
        yield f"not judged  {len(report.not_judged):,}"
        yield from _reasons(report.not_judged, width)
    yield from unread_and_notes(report.unread, report.notes, width)
    yield from wrapped(_sum(report), width)


def unread_and_notes(unread: Sequence[Unread], notes: Sequence[str], width: int) -> Iterator[str]:
    if unread:
        yield from unread_lines(unread, width, shows_all=False)
    for note in notes:
        yield from wrapped(f"note: {plain(note, 1000)}", width)


def moment(at_s: float) -> str:
    """RFC 3339 in UTC; empty where it is not known."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at_s > 0 else ""


def observed(one: Rehearsed) -> str:
    """``complete, recorded for 2 h until 2026-05-01 10:00 UTC``."""
    because = f" ({'; '.join(one.reasons)})" if one.reasons else ""
    if not one.until_s:
        return f"{one.completion}{because}"
    until = datetime.fromtimestamp(one.until_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{one.completion}{because}, recorded for {duration(one.until_s - one.since_s)} until {until}"


def duration(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _container_lines(one: Rehearsed, width: int) -> Iterator[str]:
    yield from wrapped(plain(container_title(one.container)), width)
    if one.container.id:
        yield from (f"  {line}" for line in wrapped(f"profile {observed(one)}", width - 2))
    for verdict, word in _WORDS.items():
        found = [outcome for outcome in one.outcomes if outcome.verdict == verdict]
        for outcome in found[:_SHOWN]:
            yield from _outcome_lines(word, outcome, width)
        if len(found) > _SHOWN:
            yield f"  and {len(found) - _SHOWN:,} more {word}; -f json has all"
    allowed = sum(outcome.verdict == "allowed" for outcome in one.outcomes)
    yield f"  passes: {allowed:,} of {count(len(one.outcomes), 'recorded thing')}"


def _outcome_lines(word: str, outcome: Outcome, width: int) -> Iterator[str]:
    first, *more = wrapped(f"{word}: {plain(outcome.what, 1000)}", width - 4) or [""]
    yield f"  {first}"
    yield from (f"    {line}" for line in more)
    by = f" ({plain(outcome.by)})" if outcome.by else ""
    yield from (f"    {line}" for line in wrapped(f"{plain(outcome.why, 1000)}{by}", width - 4))
    if said := use_text(outcome.use):
        yield from (f"    {line}" for line in wrapped(said, width - 4))


def use_text(use: Use) -> str:
    """``by /bin/sh, 3 times or more, 2026-05-01T10:00:00Z to 2026-05-01T12:00:00Z``; empty where nothing is known."""
    shown = [plain(one) for one in use.programs[:_MOST_PROGRAMS] if one != MANY]
    others = len(use.programs) - len(shown)
    by = f"by {', '.join(shown)}{' and others' if others else ''}" if shown else ""
    times = "" if not use.times else "once or more" if use.times == 1 else f"{use.times:,} times or more"
    first, last = moment(use.first_s), moment(use.last_s)
    when = f"{first} to {last}" if first != last else first
    return ", ".join(filter(None, (by, times, when)))


def _row(outcome: Outcome) -> dict[str, Any]:
    use = outcome.use
    return {
        "kind": outcome.kind,
        "what": plain(outcome.what, 5000),
        "verdict": outcome.verdict,
        "why": outcome.why,
        "by": plain(outcome.by, 1000),
        "programs": [plain(one, 5000) for one in use.programs],
        "times": use.times,
        "first": moment(use.first_s),
        "last": moment(use.last_s),
    }


def _reasons(parts: Sequence[Unread], width: int) -> Iterator[str]:
    for one in parts[:_SHOWN]:
        hint = f"; {one.hint}" if one.hint else ""
        text = f"{plain(one.where, 1000)}: {plain(one.why, 1000)}{hint}"
        yield from (f"  {line}" for line in wrapped(text, width - 2))
    if len(parts) > _SHOWN:
        yield f"  and {len(parts) - _SHOWN:,} more"


def _sum(report: RehearsalReport) -> str:
    blocked, unknown, allowed = (report.number("blocked"), report.number("unknown"), report.number("allowed"))
    total = blocked + unknown + allowed
    return f"{count(total, 'recorded thing')}: {blocked:,} would be blocked, {unknown:,} not known, {allowed:,} pass"
