"""What became of waivers, in words that every surface shares: how many findings are accepted, by what, and what is odd."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from leadline.model.report import ChangeUse, PostureReport
from leadline.model.waiver import Waiver, WaiverUse
from leadline.outputs.text.plain import count, labelled, plain, wrapped

SOON_DAYS = 30
_KINDS = {
    "waiver": "waivers",
    "exception": "exceptions",
    "security exception": "SecurityExceptions",
    "annotation": "annotations",
    "comment": "comments",
}
_LONGEST = 300
_SHOWN = 5


def waived_text(number: int, uses: Sequence[WaiverUse]) -> str:
    """``3 findings accepted by 2 waivers; 2 came with what was scanned: comment app.yaml:7, annotation shop/Pod/web``."""
    used = [one for one in uses if one.state == "used"]
    kinds = {one.waiver.kind for one in used}
    word = _KINDS[kinds.pop()] if len(kinds) == 1 else "waivers"
    text = f"{count(number, 'finding')} accepted by {count(len(used), word.removesuffix('s'), word)}"
    inside = [one.waiver for one in used if one.waiver.is_from_target]
    return f"{text}; came with what was scanned: {', '.join(map(title, inside))}" if inside else text


def title(waiver: Waiver) -> str:
    """``comment app.yaml:7``, ``waiver logging-agent in waivers.yaml``."""
    if waiver.kind in ("comment", "annotation"):
        return f"{waiver.kind} {plain(waiver.source, _LONGEST)}"
    where = f" in {plain(waiver.source, _LONGEST)}" if waiver.source else ""
    return f"{waiver.kind} {plain(waiver.name, _LONGEST)}{where}"


def why_accepted(waiver: Waiver) -> str:
    """``reviewed by the platform team (by waiver agent in waivers.yaml, owner ops, ticket SEC-1, until 2027-01-31)``."""
    return _said(waiver, f"by {title(waiver)}")


def reason_of(waiver: Waiver) -> str:
    """The same where the waiver itself is named already."""
    return _said(waiver)


def _said(waiver: Waiver, *first: str) -> str:
    facts = [("owner", waiver.owner), ("ticket", waiver.ticket), ("until", waiver.expires)]
    beside = ", ".join([*first, *(f"{name} {plain(value)}" for name, value in facts if value)])
    reason = plain(waiver.reason, 1000) or "no reason given"
    return f"{reason} ({beside})" if beside else reason


def exception_facts(waiver: Waiver) -> dict[str, Any]:
    """As dashboards know an exception, and what they do not know of it beside that."""
    written = {
        "name": waiver.name,
        "policyType": "postureExceptionPolicy",
        "actions": ["alertOnly"],
        "reason": waiver.reason,
        "expirationDate": waiver.expires,
        "kind": waiver.kind,
        "source": waiver.source,
        "owner": waiver.owner,
        "ticket": waiver.ticket,
    }
    return {key: value for key, value in written.items() if value}


def waiver_facts(uses: Iterable[WaiverUse]) -> list[dict[str, Any]]:
    """Each waiver and what became of it, for JSON."""
    return [
        {
            **exception_facts(use.waiver),
            "state": use.state,
            "findings": use.findings,
            "cameWithTarget": use.waiver.is_from_target,
            "isBroad": use.is_broad,
            **_frameworks_of(use.waiver),
            **({} if use.days_left is None else {"daysLeft": use.days_left}),
        }
        for use in uses
    ]


def _frameworks_of(waiver: Waiver) -> dict[str, Any]:
    names = dict.fromkeys(name for match in waiver.matches for name in match.frameworks)
    return {"frameworks": list(names)} if names else {}


def odd_waivers(uses: Iterable[WaiverUse]) -> Iterator[str]:
    """What someone has to look at: expired, unused, too broad, soon to expire."""
    for use in uses:
        remarks = remarks_of(use)
        if remarks:
            yield f"{title(use.waiver)}: {'; '.join(remarks)}"


def remarks_of(use: WaiverUse) -> list[str]:
    """What is odd about one."""
    remarks = []
    if use.state == "expired":
        finding = f", {count(use.findings, 'finding')} no longer accepted" if use.findings else ""
        remarks.append(f"expired on {plain(use.waiver.expires)}{finding}")
    elif use.state == "waiting":
        remarks.append("added by this change, waiting for approval")
    elif use.state == "unused":
        remarks.append("accepts nothing that was found")
    frameworks = dict.fromkeys(name for match in use.waiver.matches for name in match.frameworks)
    if frameworks and use.state == "used":
        remarks.append(f"accepted in the view of {', '.join(map(plain, frameworks))} alone")
    if use.is_broad:
        remarks.append("too broad: names no control or vulnerability, or nothing that it is about")
    if use.state == "used" and use.days_left is not None and use.days_left <= SOON_DAYS:
        remarks.append(f"expires in {count(use.days_left, 'day')}")
    return remarks


def waiver_lines(
    number: int, uses: Sequence[WaiverUse], width: int, *, verbose: bool, indent: int = 10
) -> Iterator[str]:
    """For a terminal: how many findings are accepted and why, then what is odd. Nothing without waivers.

    ``indent``: columns of the labels.
    """
    if number:
        yield from labelled("accepted", waived_text(number, uses), width, indent)
        for use in uses if verbose else ():
            if use.state == "used":
                text = f"{title(use.waiver)}: {count(use.findings, 'finding')}, {reason_of(use.waiver)}"
                yield from (f"  {line}" for line in wrapped(text, width - 2))
    odd = list(odd_waivers(uses))
    for i, remark in enumerate(odd if verbose else odd[:_SHOWN]):
        yield from labelled("" if i else "waivers", remark, width, indent)
    if len(odd) > _SHOWN and not verbose:
        yield from labelled("", f"and {len(odd) - _SHOWN:,} more, -v shows them", width, indent)


_SHOWN_OF_CHANGE = 20


def change_lines(report: PostureReport, most: int = _SHOWN_OF_CHANGE) -> list[str]:
    """``accepted by this change: 3, waiting for approval``, then who accepts what and why; empty where it accepts nothing."""
    change = report.change
    if change is None:
        return []
    from leadline.outputs.rows.place import titles_of  # reports about images have no objects

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
