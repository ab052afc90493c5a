"""Two scans beside each other, as lines and as JSON."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from leadline.model.control import SEVERITIES, Severity
from leadline.outputs.documents.baseline import Baseline, SeenFinding, distinct
from leadline.outputs.documents.comparison import Comparison
from leadline.outputs.text.plain import columns, count, padded, plain, wrapped

_NAMED = 20
"""Of what was not read."""
_NOT_RECORDED = "not recorded"


class Sides(msgspec.Struct, frozen=True):
    """Both scans, and how they differ."""

    old: Baseline
    new: Baseline
    difference: Comparison


def difference_document(both: Sides) -> dict[str, object]:
    """As JSON."""
    found = both.difference
    by_rules = found.by_rules
    return {
        "old": both.old.target,
        "oldAt": both.old.at,
        "newSide": both.new.target,
        "newAt": both.new.at,
        "new": [
            {**msgspec.to_builtins(both.new.findings[n]), "because": "rules" if n in by_rules else "input"}
            for n in found.new
        ],
        "gone": [msgspec.to_builtins(seen) for seen in found.gone],
        "notSeenAgain": [msgspec.to_builtins(seen) for seen in found.unseen],
        "unchanged": sum(one is not None for one in found.known),
        "findings": msgspec.to_builtins(found.numbers),
        "notRead": list(both.new.unread),
        "notReadBefore": list(both.old.unread),
        "compliance": [
            {"name": name, "old": both.old.compliance.get(name), "new": both.new.compliance.get(name)}
            for name in _scored(both)
        ],
    }


def difference_lines(both: Sides, severities: Mapping[str, Severity], width: int) -> Iterator[str]:
    """What is new, gone and not seen again, each by name; the scores; what was not read; and all of it in numbers."""
    found = both.difference
    by_input = [both.new.findings[n] for n in found.new if n not in found.by_rules]
    by_rules = [both.new.findings[n] for n in found.new if n in found.by_rules]
    yield from _group("+", "new", by_input, severities, width)
    yield from _group("+", "new, by controls that did not judge before", by_rules, severities, width)
    yield from _group("-", "gone", found.gone, severities, width)
    head = "not seen again: the control judges nothing now, or the file is not read"
    yield from _group("?", head, found.unseen, severities, width)
    yield from _compliance(both)
    yield from _not_read(both, width)
    numbers = found.numbers
    unread = f", {len(both.new.unread):,} not read" if both.new.unread else ""
    more = f", {numbers.unseen:,} not seen again" if numbers.unseen else ""
    text = f"{numbers.new:,} new, {numbers.gone:,} gone, {numbers.unchanged:,} unchanged{more}{unread}"
    yield from wrapped(text, width)


def _scored(both: Sides) -> list[str]:
    return list(dict.fromkeys((*both.old.compliance, *both.new.compliance)))


def _compliance(both: Sides) -> Iterator[str]:
    rows = _scored(both)
    if not rows:
        return
    yield "compliance"
    widest = max(columns(plain(name)) for name in rows)
    for name in rows:
        was, now = both.old.compliance.get(name), both.new.compliance.get(name)
        change = ""
        if was is not None and now is not None:
            points = round(now - was, 1)
            change = f"   {points:+g} points" if points else "   unchanged"
        yield f"    {padded(plain(name), widest)}  {_score(was)} -> {_score(now)}{change}"
    yield ""


def _score(score: float | None) -> str:
    return _NOT_RECORDED if score is None else f"{score:.1f} %"


def _not_read(both: Sides, width: int) -> Iterator[str]:
    """By name, what was read before first: only of that does the comparison say less than it did."""
    before = set(both.old.unread)
    # Of another target parts have other names.
    is_comparable = both.old.target == both.new.target
    rows = sorted(dict.fromkeys(both.new.unread), key=lambda where: (where in before, where))
    if not rows:
        return
    yield from wrapped(
        f"not read  {count(len(rows), 'part')}: what stands there is neither new nor gone", width
    )
    for where in rows[:_NAMED]:
        note = ", which was not among these before" if is_comparable and where not in before else ""
        first, *rest = wrapped(f"{plain(where, 4096)}{note}", width - 4)
        yield f"  ! {first}"
        yield from (f"      {line}" for line in rest)
    if len(rows) > _NAMED:
        yield f"    and {len(rows) - _NAMED:,} more, --format json names all"
    yield ""


def _group(
    sign: str, head: str, findings: Sequence[SeenFinding], severities: Mapping[str, Severity], width: int
) -> Iterator[str]:
    if not findings:
        return
    yield from wrapped(f"{head}  {count(len(distinct(findings)), 'finding')}", width)
    order = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    ranked = sorted(
        findings,
        key=lambda s: (order.get(severities.get(s.control, "unknown"), 9), s.object, s.control, s.path),
    )
    for seen in ranked:
        severity = severities.get(seen.control, "unknown")
        what = f" {plain(seen.edit)}" if seen.edit else ""
        text = f"{severity} {plain(seen.control)} {_title_of(seen.object)}{what} {plain(seen.path)}"
        first, *rest = wrapped(text, width - 4)
        yield f"  {sign} {first}"
        yield from (f"      {line}" for line in rest)
    yield ""


def _title_of(object: str) -> str:
    """``shop/Deployment/web`` of ``apps/Deployment/shop/web``."""
    own = object.partition(">")[0].split("/")
    if len(own) != 4:
        return plain(object)
    _, kind, namespace, name = own
    return plain(f"{namespace}/{kind}/{name}" if namespace else f"{kind}/{name}")
