"""For a person at a terminal: plain columns, worst first, what was not seen, what to do next, the verdict last.

Colour is on the severity, the caret and the verdict only, and nothing depends on it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from leadline.outputs.format import (
    FORBIDDEN,
    SEVERITIES,
    ControlCount,
    Excerpt,
    Finding,
    FindingPlaces,
    Page,
    PostureReport,
    Unread,
    blocked_by_access,
    closing,
    columns,
    count,
    denied_rules,
    excerpts,
    failed_rows,
    format,
    not_judged,
    padded,
    per_cent,
    plain,
    scanned,
    scores,
    target_name,
    titles_of,
    why,
    wrapped,
)

_NARROW = 80
_WIDE = 100
_NAMES = 32
"""Columns that the names of objects get before long titles are broken."""
_ROWS = 12
"""Rows of a short table. Critical and high controls are always listed, the rest as far as there is room."""
_UNREAD = 5
_STYLES = {
    "critical": "1;31",
    "high": "31",
    "medium": "33",
    "low": "36",
    "unknown": "36",
    "good": "32",
    "bad": "1;31",
    "neither": "1",
}
_SEVERITY_WIDTH = 8


@format("pretty", suffix=".txt")
def pretty(report: PostureReport, out: IO[str], page: Page) -> None:
    for line in _all(report, page):
        out.write(line.rstrip() + "\n")


def _all(report: PostureReport, page: Page) -> Iterator[str]:
    yield from _heading(report, page)
    rows = failed_rows(report, page.least)
    if rows and page.verbose:
        yield from _blocks(report, rows, page)
    if rows:
        yield from _table(report, rows, page)
        yield ""
    yield from _hidden(report, rows)
    yield from _not_seen(report, page)
    yield from _not_read([u for u in report.unread if not u.why.startswith(FORBIDDEN)], page)
    if page.coverage:
        yield from _coverage(report, page)
    elif page.verbose:
        yield from _not_judged(report, page)
    yield from _closing(report, rows, page)


def _heading(report: PostureReport, page: Page) -> Iterator[str]:
    name, text = target_name(report), scanned(report)
    if columns(name) + 3 + columns(text) <= page.width:
        yield f"{name}   {text}"
    else:
        yield name
        yield from wrapped(text, page.width)
    yield ""


def _paint(text: str, style: str, page: Page) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if page.colour else text


def _severity(severity: str, page: Page) -> str:
    return _paint(severity, severity, page) + " " * (_SEVERITY_WIDTH - len(severity))


# The table of controls


def _table(report: PostureReport, rows: list[ControlCount], page: Page) -> Iterator[str]:
    listed = rows if page.verbose else _listed(rows)
    offenders = _offenders(report, {row.control.id for row in listed})
    tallies = _tallies(listed, with_score=page.width >= _WIDE)
    id_width = max(columns(plain(row.control.id)) for row in listed)
    tally_width = max(map(len, tallies.values()))
    narrow = page.width < _NARROW
    left = _SEVERITY_WIDTH + 2 + id_width + 2
    room = page.width - left - 2 - tally_width
    title_width = min(room, max(columns(plain(row.control.title)) for row in listed))
    if not narrow:
        title_width = min(title_width, max(30, room - 2 - _NAMES))
    for row in listed:
        head = f"{_severity(row.control.severity, page)}  {padded(plain(row.control.id), id_width)}  "
        title = wrapped(plain(row.control.title), title_width) or [""]
        first = f"{head}{padded(title[0], title_width)}  {tallies[row.control.id]:>{tally_width}}"
        used = left + title_width + 2 + tally_width + 2
        names = offenders[row.control.id]
        if narrow or page.width - used < max(20, columns(names[0])):
            yield first
            yield from (" " * left + more for more in title[1:])
            beside = _names(names, row.failed, page.width - left)
            yield from (" " * left + line for line in wrapped(beside, page.width - left))
        else:
            yield f"{first}  {_names(names, row.failed, page.width - used)}"
            yield from (" " * left + more for more in title[1:])
    yield from _rest(rows[len(listed) :], page)


def _tallies(rows: list[ControlCount], *, with_score: bool) -> dict[str, str]:
    """``1 of 12``, and on a wide page how much of what was judged passes: ``1 of 12   91 %``."""
    counts = {row.control.id: f"{row.failed:,} of {row.judged:,}" for row in rows}
    if not with_score:
        return counts
    widest = max(map(len, counts.values()))
    return {r.control.id: f"{counts[r.control.id]:>{widest}}  {per_cent(r.compliance):>4}" for r in rows}


def _listed(rows: list[ControlCount]) -> list[ControlCount]:
    grave = sum(1 for row in rows if row.control.severity in ("critical", "high"))
    return rows[: max(grave, _ROWS if len(rows) > _ROWS + 1 else len(rows))]


def _rest(rows: list[ControlCount], page: Page) -> Iterator[str]:
    advice = "-v shows them"
    for severity in SEVERITIES:
        group = [row for row in rows if row.control.severity == severity]
        if group:
            failed = sum(row.failed for row in group)
            text = f"{count(len(group), 'more control')}, {count(failed, 'finding')}"
            yield f"{_severity(severity, page)}  {text}" + (f"   {advice}" if advice else "")
            advice = ""


def _offenders(report: PostureReport, ids: set[str]) -> dict[str, list[str]]:
    """The titles of the objects that fail each control, each once, in the order of reading."""
    title = titles_of(report)
    titles: dict[str, dict[str, str]] = {control_id: {} for control_id in ids}
    for finding in report.findings:
        if finding.control in ids and len(titles[finding.control]) < _ROWS:
            titles[finding.control].setdefault(finding.resource, title(report.resource(finding.resource)))
    return {control_id: list(found.values()) for control_id, found in titles.items()}


def _names(names: list[str], failed: int, width: int) -> str:
    """As many names as fit, then how many more there are. The first is always whole."""
    text = names[0]
    used = 1
    for name in names[1:]:
        longer = f"{text}, {name}"
        tail = f" and {failed - used - 1} more" if failed > used + 1 else ""
        if columns(longer) + len(tail) > width:
            break
        text, used = longer, used + 1
    return f"{text} and {failed - used:,} more" if failed > used else text


# Verbose: what each control is about, then one block per object


def _blocks(report: PostureReport, rows: list[ControlCount], page: Page) -> Iterator[str]:
    severities = {row.control.id: row.control.severity for row in rows}
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        if finding.control in severities:
            groups.setdefault((finding.resource, finding.control), []).append(finding)
    title = titles_of(report)
    # Drawn in the order of reading, so that each file is read again once and not once per control.
    blocks: dict[str, list[str]] = {control_id: [] for control_id in severities}
    places = FindingPlaces(report, page.places)
    for (resource_id, control_id), findings in groups.items():
        name = title(report.resource(resource_id))
        parts = (
            (part, name if part.resource.id == resource_id else f"{name}, through {title(part.resource)}")
            for part in excerpts(findings, places, page.width)
        )
        blocks[control_id].append("\n".join(_block(parts, severities[control_id], page)))
    for row in rows:
        yield from _about(row, page)
        for block in blocks[row.control.id]:
            yield from block.split("\n")


def _about(row: ControlCount, page: Page) -> Iterator[str]:
    control = row.control
    left = f"{control.severity}  {plain(control.id)}  "
    tally = f"{row.failed:,} of {row.judged:,}"
    title = wrapped(plain(control.title), page.width - len(left)) or [""]
    if columns(left) + columns(title[-1]) + 3 + len(tally) <= page.width:
        title[-1] = f"{title[-1]}   {tally}"
    else:
        title.append(tally)
    yield _paint(control.severity, control.severity, page) + left.removeprefix(control.severity) + title[0]
    yield from (" " * len(left) + line for line in title[1:])
    yield from (f"  {line}" for line in wrapped(plain(why(control)), page.width - 2))
    yield f"  {page.command} explain {plain(control.id)}"
    yield ""


def _block(parts: Iterable[tuple[Excerpt, str]], severity: str, page: Page) -> Iterator[str]:
    """The excerpts of one control on one object, each with the title that stands over it."""
    previous = ""
    for part, title in parts:
        if title == previous:
            heading = f"  {part.where}" if part.where else ""
        elif columns(title) + 5 + columns(part.where) <= page.width:
            heading = f"  {title}   {part.where}"
        else:
            heading = f"  {title}\n  {part.where}"
        yield from (line for line in heading.split("\n") if line.strip())
        yield from (f"  {line}" for line in _broken(part.path, page.width - 2))
        previous = title
        for line in part.lines:
            yield line.left + (_paint(line.mark, severity, page) if line.mark else "") + line.right
        yield ""


def _broken(path: str, width: int) -> Iterator[str]:
    """A path over several lines if need be, broken after its dots."""
    line = ""
    for part in path.replace(".", ".\0").split("\0"):
        if line and columns(line) + columns(part) > width:
            yield line
            line = part
        else:
            line += part
    if line:
        yield line


# What was not seen, and the end


def _hidden(report: PostureReport, rows: list[ControlCount]) -> Iterator[str]:
    below = len(failed_rows(report)) - len(rows)
    if below:
        yield f"not shown  {count(below, 'failed control')} below --min-severity"
        yield ""


def _not_seen(report: PostureReport, page: Page) -> Iterator[str]:
    """The kinds of a cluster that may not be listed, with the rules that are missing."""
    rules = denied_rules(report.unread)
    if not rules:
        return
    forbidden = sum(1 for unread in report.unread if unread.why.startswith(FORBIDDEN))
    yield f"not seen  {count(forbidden, 'list')}, forbidden; the missing RBAC rules:"
    shown = rules if page.verbose or page.coverage else rules[:_UNREAD]
    for rule in shown:
        yield from _broken_at(f"  {rule}", page.width)
    if len(shown) < len(rules):
        yield f"  and {len(rules) - len(shown):,} more   -v shows them"
    if any("--include-namespaces" in unread.hint for unread in report.unread):
        yield "  or --include-namespaces with those that may be listed"
    blind = blocked_by_access(report)
    if blind:
        yield f"  {count(blind, 'control')} could not judge for it"
    yield ""


def _broken_at(text: str, width: int) -> Iterator[str]:
    indent = " " * (len(text) - len(text.lstrip()))
    first, *more = wrapped(text, width - len(indent) - 2)
    yield indent + first
    yield from (f"{indent}  {line}" for line in more)


def _not_read(everything: Sequence[Unread], page: Page) -> Iterator[str]:
    if not everything:
        return
    yield f"not read  {len(everything):,}"
    shown = everything if page.verbose else everything[:_UNREAD]
    places = []
    for unread in shown:
        line = f":{unread.line}" if unread.line else ""
        line += f":{unread.column}" if unread.line and unread.column else ""
        places.append(plain(unread.where, 4096) + line)
    widest = max(map(columns, places))
    aligned = widest + 4 + 30 <= page.width and page.width >= _NARROW
    for place, unread in zip(places, shown, strict=True):
        text = plain(unread.why) + (f"; {plain(unread.hint)}" if unread.hint else "")
        if aligned:
            broken = wrapped(text, page.width - widest - 4)
            yield f"  {padded(place, widest)}  {broken[0] if broken else ''}"
            yield from (" " * (widest + 4) + more for more in broken[1:])
        else:
            yield f"  {place}"
            yield from (f"    {more}" for more in wrapped(text, page.width - 4))
    if len(shown) < len(everything):
        yield f"  and {len(everything) - len(shown):,} more   -v shows them"
    yield ""


def _coverage(report: PostureReport, page: Page) -> Iterator[str]:
    """Every control that judged nothing, by itself."""
    rows = [(plain(control_id), plain(reason)) for control_id, reason in not_judged(report)]
    if not rows:
        return
    titles = {control.id: plain(control.title) for control in report.controls}
    yield f"not judged  {count(len(rows), 'control')}"
    left = max(columns(control_id) for control_id, _ in rows) + 4
    for control_id, reason in rows:
        title, *more = wrapped(titles.get(control_id, ""), page.width - left) or [""]
        yield f"  {padded(control_id, left - 2)}{title}"
        yield from (" " * left + line for line in (*more, *wrapped(reason, page.width - left)))
    yield ""


def _not_judged(report: PostureReport, page: Page) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for control_id, reason in not_judged(report):
        reasons.setdefault(plain(reason), []).append(plain(control_id))
    if not reasons:
        return
    yield f"not judged  {count(sum(map(len, reasons.values())), 'control')}"
    for reason, ids in sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0])):
        yield from (f"  {line}" for line in wrapped(reason, page.width - 2))
        yield from (f"    {line}" for line in wrapped(" ".join(ids), page.width - 4))
    yield ""


def _closing(report: PostureReport, rows: list[ControlCount], page: Page) -> Iterator[str]:
    yield from _side_by_side(scores(report), page.width)
    advice = _advice(report, rows, page)
    if advice:
        yield from _side_by_side([f"next      {advice[0]}", *advice[1:]], page.width, "      ", " " * 10)
    style = "bad" if not page.passed else "good" if page.verdict or not (rows or report.unread) else "neither"
    for line in wrapped(closing(report, page.verdict), page.width):
        yield _paint(line, style, page)


def _advice(report: PostureReport, rows: list[ControlCount], page: Page) -> list[str]:
    advice = [f"{page.command} explain {plain(rows[0].control.id)}"] if rows else []
    again = plain(page.again, 4096)
    if rows and again and not page.verbose:
        advice.append(f"{again} -v")
    if denied_rules(report.unread):
        advice += [plain(page.rbac, 4096)] if page.rbac else []
        advice += [f"{again} --verbose-coverage"] if again and not page.coverage else []
    return advice


def _side_by_side(parts: Iterable[str], width: int, gap: str = "   ", indent: str = "") -> Iterator[str]:
    line = ""
    for part in parts:
        if line and columns(line) + columns(gap) + columns(part) > width:
            yield line
            line = indent + part
        else:
            line = f"{line}{gap}{part}" if line else part
    if line:
        yield line
