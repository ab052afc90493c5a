"""Why a score is what it is, and why it is another than before."""

from collections.abc import Iterator, Mapping

from leadline.model.report import ControlCount, PostureReport
from leadline.outputs.text.plain import count

_NAMED = 5


def explained_score(report: PostureReport) -> Iterator[str]:
    """What the score is the mean of, what takes most from it, and what does not count."""
    score = report.compliance()
    judging = _judging(report)
    if score is None:
        yield "No score: no control judged anything."
    else:
        yield (
            f"The score is {score:.1f} of 100: the mean, over {count(len(judging), 'control')} that judged something,"
            " of the share of their objects that pass."
        )
        costs = sorted(
            ((100 - (row.compliance or 0)) / len(judging), id) for id, row in judging.items() if row.failed
        )
        for cost, id in reversed(costs[-_NAMED:]):
            yield f"{_title(judging[id])} takes {cost:.1f}: {_failed(judging[id])}."
        if len(costs) > _NAMED:
            rest = sum(cost for cost, _ in costs[:-_NAMED])
            yield f"{count(len(costs) - _NAMED, 'other control takes', 'other controls take')} {rest:.1f} together."
        if not costs:
            yield "No control fails."
    silent = len(report.by_control) - len(judging)
    if silent:
        yield f"{count(silent, 'control')} judged nothing and {'counts' if silent == 1 else 'count'} neither way."
    if report.unread:
        yield f"{count(len(report.unread), 'part')} of what was looked at could not be read: the score says nothing of them."
    if report.waived:
        yield f"{count(report.numbers.accepted, 'accepted finding counts', 'accepted findings count')} as passed."


def explained_score_change(before: PostureReport, after: PostureReport) -> Iterator[str]:
    """From one report to the next; the numbers of the sentences add up to the change."""
    old, new = before.compliance(), after.compliance()
    if old is None or new is None:
        which = "before" if old is None else "now"
        yield f"The scores cannot be compared: no control judged anything {which}."
        return
    yield f"The score was {old:.1f} and is {new:.1f} ({new - old:+.1f})."
    parts = score_change(before, after)
    ordered = sorted(parts.items(), key=lambda row: (-abs(row[1]), row[0]))
    named = [(id, part) for id, part in ordered if abs(part) >= _LEAST]
    was, now = _judging(before), _judging(after)
    for id, part in named[:_NAMED]:
        if id == OTHER_CONTROLS:
            came, went = len(now.keys() - was.keys()), len(was.keys() - now.keys())
            yield f"{part:+.1f} because other controls judge: {came} judge now that did not, {went} did that do not now."
        else:
            yield f"{part:+.1f} by {_title(now[id])}: {_failed(was[id])} before, {_failed(now[id])} now."
    rest = sum(part for _, part in named[_NAMED:])
    if len(named) > _NAMED:
        yield f"{rest:+.1f} by {count(len(named) - _NAMED, 'other control')} together."
    if not named:
        yield "No control changed it."
    if len(before.unread) != len(after.unread):
        yield f"Parts that could not be read: {len(before.unread):,} before, {len(after.unread):,} now."


OTHER_CONTROLS = ""
"""The part that comes from which controls judge at all."""
_LEAST = 0.05


def score_change(before: PostureReport, after: PostureReport) -> Mapping[str, float]:
    """By the id of the control what it adds to the change; the sum is the change. Both have a score."""
    was, now = _judging(before), _judging(after)
    both = was.keys() & now.keys()
    parts = {id: ((now[id].compliance or 0) - (was[id].compliance or 0)) / len(both) for id in sorted(both)}
    total = (after.compliance() or 0) - (before.compliance() or 0)
    if was.keys() != now.keys():
        parts[OTHER_CONTROLS] = total - sum(parts.values())
    return {id: part for id, part in parts.items() if part}


def _judging(report: PostureReport) -> dict[str, ControlCount]:
    return {row.control.id: row for row in report.by_control if row.judged}


def _title(row: ControlCount) -> str:
    return f"{row.control.id} {row.control.problem or row.control.title}"


def _failed(row: ControlCount) -> str:
    return f"{row.failed:,} of {count(row.judged, 'object')} {'fails' if row.failed == 1 else 'fail'}"
