"""What a change accepts itself, in the words that every format begins with."""

from typing import Any

from leadline.model.report import ChangeUse, PostureReport
from leadline.outputs.rows.titles import titles_of
from leadline.outputs.text.plain import count, plain
from leadline.outputs.text.waiver_text import reason_of, title

_SHOWN = 20
_LONGEST = 300


def change_lines(report: PostureReport, most: int = _SHOWN) -> list[str]:
    """``accepted by this change: 3, waiting for approval``, then who accepts what and why; empty where it accepts nothing."""
    change = report.change
    if change is None:
        return []
    name = titles_of(report)
    lines = []
    for one in change.accepted:
        waiver = report.waivers[one.waiver].waiver
        owner = "" if waiver.owner else ", no owner named"
        what = f"{plain(one.control)} on {name(report.resource(one.resource))}"
        lines.append(f"{what}: {reason_of(waiver)}, by {title(waiver)}{owner}")
    more = [f"and {len(lines) - most:,} more"] if len(lines) > most else []
    state = "approved" if change.is_approved else "waiting for approval"
    number = len(change.accepted)
    files = f"; {count(len(change.files), 'changed file')} about it" if change.files else ""
    return [
        f"accepted by this change: {number:,}, {state}{files}",
        *lines[:most],
        *more,
        *(f"{plain(file, _LONGEST)}: {_file(change)}" for file in change.files),
    ]


def _file(change: ChangeUse) -> str:
    if change.is_approved:
        return "changed, and approved"
    return f"changed, and counts as it was at {plain(change.revision, _LONGEST)}"


def change_facts(report: PostureReport) -> dict[str, Any]:
    """The same as JSON has it; empty where the change accepts nothing."""
    change = report.change
    if change is None:
        return {}
    rows = []
    for one in change.accepted:
        waiver = report.waivers[one.waiver].waiver
        facts = {"controlID": one.control, "resourceID": one.resource}
        said = {"reason": waiver.reason, "owner": waiver.owner, "source": title(waiver)}
        rows.append({**facts, **said})
    return {
        "acceptedByThisChange": {
            "revision": change.revision,
            "number": len(change.accepted),
            "approved": change.is_approved,
            "accepted": rows,
            "changedFiles": list(change.files),
        }
    }
