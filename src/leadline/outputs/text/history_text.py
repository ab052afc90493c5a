"""What was found over time: lines for a terminal, data, and a trend as a picture."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from leadline.model.control import SEVERITIES
from leadline.model.history import Change, Day, History, Life
from leadline.outputs.text.plain import count, plain, text_table, wrapped

_RANK: Mapping[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}
_BARS = "▁▂▃▄▅▆▇█"
_UNKNOWN = "·"
_SHOWN = 50
_LONGEST_TREND = 60
_WIDTH, _HEIGHT, _LEFT, _TOP = 720, 200, 48, 28
_LINES = (("all", "#2563eb"), ("critical and high", "#b91c1c"))
_WORDS = {
    "failed": "failed",
    "passed": "fixed",
    "not judged": "not judged any more",
    "gone": "gone with its object",
}
_HEAD = ("WHEN", "WHAT", "SEVERITY", "CONTROL", "OBJECT")
_LIFE_HEAD = ("STATE", "FIRST SEEN", "GONE", "BACK", "SEVERITY", "CONTROL", "OBJECT")


def history_lines(history: History, width: int | None, *, shows_all: bool = False) -> Iterator[str]:
    """The trend, what happened, the newest first, and what is there; ``width`` as of ``text_table``."""
    fits = width or _LONGEST_TREND + 20
    yield from wrapped(f"{history.subject}, {history.since} to {history.until}", fits)
    yield ""
    yield from _trend(history.days, min(_LONGEST_TREND, fits - 12))
    for name in ("rules", "database"):
        last = ""
        for day in history.days:
            now = str(getattr(day, name))
            if now and last and now != last:
                yield f"{name:9} changed on {day.day}: {plain(last)} → {plain(now)}"
            last = now or last
    for note in history.notes:
        yield from wrapped(f"note: {note}", fits)
    yield ""
    events = happened(history)
    yield from wrapped(_sum(history, events), fits)
    yield ""
    if events:
        shown = events if shows_all else events[:_SHOWN]
        yield from text_table(
            _HEAD, [_event_row(life, change, words) for life, change, words in shown], width
        )
        if len(shown) < len(events):
            yield f"and {len(events) - len(shown):,} more   -v shows them"
        yield ""
    yield from _findings(history, width, shows_all=shows_all)


def happened(history: History) -> list[tuple[Life, Change, str]]:
    """Every change within the window, the newest first, and what it is called: ``first seen``, ``came back`` …"""
    found = []
    first, last = history.since, f"{history.until}~"
    for life in history.lives:
        changes = life.changes
        if changes[-1].at < first:
            continue
        back = frozenset(life.came_back) if len(changes) > 1 else frozenset()
        for number, change in enumerate(changes):
            if first <= change.at <= last:
                found.append((life, change, _called(change, is_first=not number, is_back=change.at in back)))
    found.sort(key=lambda one: (_RANK.get(one[0].severity, len(_RANK)), one[0].object, one[0].id))
    found.sort(key=lambda one: one[1].at, reverse=True)
    return found


def history_document(history: History) -> dict[str, Any]:
    """As JSON says it."""
    return {
        "subject": history.subject,
        "since": history.since,
        "until": history.until,
        "seenAt": history.seen or None,
        "days": [_day(day) for day in history.days],
        "findings": [_finding(life, history.seen) for life in history.lives],
        "notes": list(history.notes),
    }


def history_picture(history: History) -> str:
    """SVG: the failed pairs of each day; days without a look leave a gap."""
    days = history.days
    rows = [[day.total for day in days], [_grave(day) for day in days]]
    most = max((value for row in rows for value in row if value is not None), default=0) or 1
    parts = [
        f'<text x="{_LEFT}" y="18" class="head">{escape(plain(history.subject))}</text>',
        f'<text x="{_LEFT - 6}" y="{_TOP + 10}" text-anchor="end">{most:,}</text>',
        f'<text x="{_LEFT - 6}" y="{_TOP + _HEIGHT}" text-anchor="end">0</text>',
        f'<text x="{_LEFT}" y="{_TOP + _HEIGHT + 18}">{history.since}</text>',
        f'<text x="{_LEFT + _WIDTH}" y="{_TOP + _HEIGHT + 18}" text-anchor="end">{history.until}</text>',
        f'<path d="M{_LEFT} {_TOP}V{_TOP + _HEIGHT}H{_LEFT + _WIDTH}" stroke="#6b7280" fill="none"/>',
    ]
    for number, ((name, colour), row) in enumerate(zip(_LINES, rows, strict=True)):
        parts += [_line(points, colour) for points in _stretches(row, most)]
        x = _LEFT + _WIDTH - 150 * (len(_LINES) - number)
        parts.append(f'<text x="{x}" y="18" style="fill:{colour}">{name}</text>')
    width, height = _LEFT + _WIDTH + 16, _TOP + _HEIGHT + 30
    style = (
        "text{font:12px sans-serif;fill:#374151}.head{font-weight:bold}"
        "@media(prefers-color-scheme:dark){svg{background:#111827}text{fill:#d1d5db}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label="Failed controls over time"><style>{style}</style>{"".join(parts)}</svg>\n'
    )


def _trend(days: Sequence[Day], width: int) -> Iterator[str]:
    known = [day for day in days if day.failed is not None]
    if not known:
        yield "failed    no day of these is recorded"
        return
    yield f"failed    {_bars([day.total for day in days], width)}  {known[0].total or 0:,} → {known[-1].total or 0:,}"
    for severity in SEVERITIES:
        first, last = ((day.failed or {}).get(severity, 0) for day in (known[0], known[-1]))
        if first or last:
            yield f"  {severity:8}{first:,} → {last:,}"
    scores = [day.score for day in known if day.score is not None]
    if scores:
        yield f"score     {scores[0]:.1f} → {scores[-1]:.1f}"
    matched = [day for day in known if day.vulnerabilities is not None]
    if matched:
        first, last = (sum((day.vulnerabilities or {}).values()) for day in (matched[0], matched[-1]))
        yield f"vulnerabilities  {first:,} → {last:,}"


def _bars(values: Sequence[int | None], width: int) -> str:
    """One character for each day, or for as many days as fit; of several the last that is known."""
    size = -(-len(values) // max(1, width))
    parts = [values[at : at + size] for at in range(0, len(values), size)]
    shown = [next((one for one in reversed(part) if one is not None), None) for part in parts]
    most = max((one for one in shown if one is not None), default=0) or 1
    return "".join(_UNKNOWN if one is None else _BARS[one * (len(_BARS) - 1) // most] for one in shown)


def _sum(history: History, events: Sequence[tuple[Life, Change, str]]) -> str:
    counts: Counter[str] = Counter()
    for words, number in Counter(words for _, _, words in events).items():
        counts[words.partition(" until")[0]] += number
    rules = sum(change.by == "rules" for _, change, _ in events)
    there = sum(life.is_there for life in history.lives)
    parts = [f"{number:,} {words}" for words, number in counts.most_common()]
    by = f"; {count(rules, 'change')} by other rules, not by the cluster" if rules else ""
    return f"{count(there, 'finding')} now; in this time {', '.join(parts) or 'nothing changed'}{by}"


def _findings(history: History, width: int | None, *, shows_all: bool) -> Iterator[str]:
    if not history.lives:
        return
    shown = history.lives if shows_all else history.lives[:_SHOWN]
    rows = [
        (
            _state(life),
            life.first_seen[:10],
            life.gone[:10] or "-",
            str(len(life.came_back) or "-"),
            life.severity or "-",
            plain(life.id),
            plain(life.object),
        )
        for life in shown
    ]
    yield from text_table(_LIFE_HEAD, rows, width)
    if len(shown) < len(history.lives):
        yield f"and {len(history.lives) - len(shown):,} more   -v shows them"


def _state(life: Life) -> str:
    if life.state == "accepted" and life.changes[-1].until:
        return f"accepted until {life.changes[-1].until[:10]}"
    return life.state


def _called(change: Change, *, is_first: bool, is_back: bool) -> str:
    if change.state == "accepted":
        return f"accepted until {change.until[:10]}" if change.until else "accepted"
    if change.state == "failed":
        return "first seen" if is_first else "came back" if is_back else "no longer accepted"
    return _WORDS.get(change.state, change.state)


def _event_row(life: Life, change: Change, words: str) -> tuple[str, ...]:
    by = f" ({change.by} changed)" if change.by else ""
    when = change.at[:16].replace("T", " ")
    return (plain(when), plain(words + by), life.severity or "-", plain(life.id), plain(life.object))


def _day(day: Day) -> dict[str, Any]:
    if day.failed is None:
        return {"day": day.day, "known": False}
    rest = msgspec.to_builtins(day)
    return {
        "day": day.day,
        "known": True,
        **{k: v for k, v in rest.items() if k != "day" and v not in (None, "")},
    }


def _finding(life: Life, seen: str) -> dict[str, Any]:
    return {
        "object": life.object,
        "control": life.id,
        "title": life.title,
        "severity": life.severity,
        "state": life.state,
        "firstSeen": life.first_seen,
        "lastSeen": life.gone or seen or None,
        "gone": life.gone or None,
        "cameBack": list(life.came_back),
        "accepted": [{"from": first, "until": last or None} for first, last in life.accepted],
        "changes": [msgspec.to_builtins(one) for one in life.changes],
        "dropped": life.dropped,
    }


def _grave(day: Day) -> int | None:
    return None if day.failed is None else day.failed.get("critical", 0) + day.failed.get("high", 0)


def _stretches(row: Sequence[int | None], most: int) -> Iterator[list[tuple[float, float]]]:
    """The points of each stretch of days that are known."""
    step = _WIDTH / max(1, len(row) - 1)
    points: list[tuple[float, float]] = []
    for number, value in enumerate((*row, None)):
        if value is not None:
            points.append((_LEFT + number * step, _TOP + _HEIGHT * (1 - value / most)))
        elif points:
            yield points
            points = []


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    if len(points) == 1:
        ((x, y),) = points
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>'
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{path}" stroke="{colour}" stroke-width="2" fill="none"/>'
