"""What a scan did not see, for a person at a terminal: not listed, not read, left out, undecided, not judged."""

from collections.abc import Iterator, Sequence

from leadline.model.report import PostureReport
from leadline.model.unread import Unread
from leadline.outputs.format_registry import Page
from leadline.outputs.rows.objects_elsewhere import prevention_text, preventions
from leadline.outputs.rows.place import FindingPlaces, titles_of
from leadline.outputs.rows.summary import blocked_by_access, denied_rules, not_judged
from leadline.outputs.text.plain import and_more, broken_at, columns, count, padded, plain, wrapped
from leadline.outputs.text.waiver_text import waiver_lines

_NARROW = 80
_UNREAD = 5
_LEFT_OUT = 3


def not_seen(report: PostureReport, page: Page) -> Iterator[str]:
    """All of it, each part with a heading and an empty line after it."""
    yield from _not_seen(report, page)
    yield from _not_read([u for u in report.unread if u.rule is None], page)
    yield from _left_out(report, page)
    accepted = list(waiver_lines(report.numbers.accepted, report.waivers, page.width, verbose=page.verbose))
    yield from (*accepted, *([""] if accepted else []))
    yield from _undecided(report, page)
    if page.coverage or page.verbose:
        rows = preventions(report)
        if rows:
            places, title = FindingPlaces(report, page.places), titles_of(report)
            yield f"prevented  by {count(len(rows), 'object')} in other files"
            for row in rows:
                yield from broken_at(f"  {prevention_text(row, report, places, title)}", page.width)
            yield ""
    if page.coverage:
        yield from _coverage(report, page)
    elif page.verbose:
        yield from _not_judged(report, page)


def _not_seen(report: PostureReport, page: Page) -> Iterator[str]:
    """The kinds of a cluster that may not be listed, with the rules that are missing."""
    rules = denied_rules(report.unread)
    if not rules:
        return
    forbidden = sum(1 for unread in report.unread if unread.rule is not None)
    yield from broken_at(
        f"not seen  {count(forbidden, 'list')}, forbidden; the missing RBAC rules:", page.width
    )
    shown = rules if page.verbose or page.coverage else rules[:_UNREAD]
    for rule in shown:
        yield from broken_at(f"  {rule}", page.width)
    if len(shown) < len(rules):
        yield f"  and {len(rules) - len(shown):,} more   -v shows them"
    if any(u.rule and u.rule.is_namespaced and not u.rule.namespace for u in report.unread):
        yield from broken_at("  or --include-namespaces with those that may be listed", page.width)
    blocked = blocked_by_access(report)
    if blocked:
        yield f"  {count(blocked, 'control')} could not judge for it"
    yield ""


def _left_out(report: PostureReport, page: Page) -> Iterator[str]:
    """What was passed over by choice, one line for each reason."""
    reasons: dict[str, list[str]] = {}
    for part in report.left_out:
        reasons.setdefault(plain(part.why), []).append(plain(part.where, 4096))
    if reasons:
        yield f"left out  {len(report.left_out):,}"
        for why, names in reasons.items():
            shown = names if page.verbose or page.coverage else names[:_LEFT_OUT]
            yield from broken_at(
                f"  {why}: {', '.join(shown)}{and_more(len(names) - len(shown))}", page.width
            )
    if page.coverage and report.rendering:
        by = (
            f"rendered  by {' and '.join(map(plain, report.renderers))}; "
            if report.renderers
            else "confined  "
        )
        yield from broken_at(f"{by}{report.rendering}", page.width)
    if reasons or (page.coverage and report.rendering):
        yield ""


def _undecided(report: PostureReport, page: Page) -> Iterator[str]:
    """What controls could not decide, one line for each control and reason."""
    if not report.undecided:
        return
    is_whole = page.verbose or page.coverage
    title = titles_of(report)
    yield f"undecided  {count(report.objects_undecided, 'object')}"
    rows = report.undecided if is_whole else report.undecided[:_UNREAD]
    for row in rows:
        shown = row.resources if is_whole else row.resources[:_LEFT_OUT]
        names = ", ".join(title(report.resource(id)) for id in shown)
        more = and_more(len(row.resources) - len(shown))
        yield from broken_at(f"  {plain(row.control)}  {plain(row.why)}: {names}{more}", page.width)
    if len(rows) < len(report.undecided):
        yield f"  and {count(len(report.undecided) - len(rows), 'more control')}   -v shows them"
    yield ""


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
            yield from broken_at(f"  {place}", page.width)
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
        if left + columns(title) > page.width:
            yield from (f"  {control_id}", f"    {title}")
        else:
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
