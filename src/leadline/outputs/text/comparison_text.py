"""Two scans beside each other: as rows in words, as lines, and as JSON."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal

import msgspec
from msgspec import Struct

from leadline.model.control import SEVERITIES, Control, Severity
from leadline.outputs.documents.baseline import Baseline, SeenFinding, distinct
from leadline.outputs.documents.comparison import Comparison
from leadline.outputs.text.plain import broken_path, columns, count, padded, plain, wrapped

_NAMED = 20
"""Of what was not read."""
_NOT_RECORDED = "not recorded"
_LONGEST = 1_000
_ORDER: Mapping[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}
Change = Literal["new", "new by rules", "gone", "not seen again"]
HEADS: Mapping[Change, tuple[str, str]] = {
    "new": ("+", "new"),
    "new by rules": ("+", "new, by controls that did not judge before"),
    "gone": ("-", "gone"),
    "not seen again": ("?", "not seen again: the control judges nothing now, or the file is not read"),
}
"""Of each group the sign of its rows, and its heading."""


class Sides(Struct, frozen=True):
    """Both scans, and how they differ."""

    old: Baseline
    new: Baseline
    difference: Comparison
    lines: tuple[int, ...] = ()
    """In step with the findings of the newer scan; 0, or nothing, where a line is not known."""


class DifferenceRow(Struct, frozen=True):
    """One place that came or went, with everything that is asked there."""

    severity: Severity
    problem: str
    """``Container may run as root``."""
    ids: tuple[str, ...]
    object: str
    """``shop/Deployment/web``."""
    file: str
    line: int
    path: str
    """``spec.template.spec.containers.web.image``."""
    edit: str
    """``set false``; empty where a person decides."""


def difference_groups(
    both: Sides, controls: Mapping[str, Control]
) -> Iterator[tuple[Change, str, list[DifferenceRow]]]:
    """Each group that is not empty: how many findings it has, in words, and its rows by object."""
    found, now = both.difference, distinct(both.new.findings)
    at = {
        id(both.new.findings[n]): line
        for n, line in zip(range(len(both.new.findings)), both.lines, strict=False)
    }
    by_input = [both.new.findings[n] for n in found.new if n not in found.by_rules]
    by_rules = [both.new.findings[n] for n in found.new if n in found.by_rules]
    groups: tuple[tuple[Change, Sequence[SeenFinding]], ...] = (
        ("new", by_input), ("new by rules", by_rules), ("gone", found.gone), ("not seen again", found.unseen)
    )  # fmt: skip
    for change, findings in groups:
        if findings:
            whole = distinct(findings)
            # As in the numbers: a finding is not gone while it has another place, or another fix.
            left = whole & now if change in ("gone", "not seen again") else set[tuple[str, str, str]]()
            said = [count(len(whole - left), "finding")] if whole - left else []
            said += [f"{count(len(left), 'finding')} with another place or fix now"] if left else []
            yield change, ", ".join(said), _rows(findings, controls, at)


def _rows(
    findings: Iterable[SeenFinding], controls: Mapping[str, Control], lines: Mapping[int, int]
) -> list[DifferenceRow]:
    """Worst objects first; what several controls ask for at one place is one row."""
    places: dict[tuple[str, ...], list[SeenFinding]] = {}
    for seen in findings:
        places.setdefault((seen.object, seen.file, seen.on, seen.path, seen.edit), []).append(seen)
    rows = [_row(together, controls, lines) for together in places.values()]
    worst: dict[tuple[str, str], int] = {}
    for row in rows:
        here = (row.object, row.file)
        worst[here] = min(worst.get(here, 9), _ORDER.get(row.severity, 9))
    return sorted(
        rows,
        key=lambda r: (
            worst[r.object, r.file],
            r.object,
            r.file,
            _ORDER.get(r.severity, 9),
            r.problem,
            r.path,
        ),
    )


def changed_rows(findings: Iterable[SeenFinding], controls: Mapping[str, Control]) -> list[DifferenceRow]:
    """As those of ``difference_groups``, without lines."""
    return _rows(findings, controls, {})


def _row(
    together: Sequence[SeenFinding], controls: Mapping[str, Control], lines: Mapping[int, int]
) -> DifferenceRow:
    ranked = sorted(together, key=lambda s: (_ORDER.get(_severity(s, controls), 9), s.control))
    first = ranked[0]
    control = first.control_of(controls)
    return DifferenceRow(
        _severity(first, controls),
        (control.problem or control.title) if control else first.control,
        tuple(seen.control for seen in ranked),
        object_title(first.object),
        first.file,
        max(lines.get(id(seen), 0) for seen in ranked),
        dotted(first.path),
        "" if first.edit == "review" else first.edit,
    )


def _severity(seen: SeenFinding, controls: Mapping[str, Control]) -> Severity:
    control = seen.control_of(controls)
    return control.severity if control else "unknown"


def dotted(path: str) -> str:
    """``spec.template.metadata.labels[app.kubernetes.io/name]`` of the same with slashes."""
    keyed = re.fullmatch(r"((?:.*?/)?(?:labels|annotations|matchLabels|data))/(.+)", path)
    if keyed is not None:
        return f"{keyed[1].replace('/', '.')}[{keyed[2]}]"
    return path.replace("/", ".")


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
        "notLookedAt": [msgspec.to_builtins(seen) for seen in found.outside],
        "unchanged": sum(one is not None for one in found.known),
        "findings": msgspec.to_builtins(found.numbers),
        "notRead": list(both.new.unread),
        "notReadBefore": list(both.old.unread),
        "compliance": [
            {"name": name, "old": old, "new": new} for name, old, new, _ in scores_of(both, with_change=False)
        ],
    }


def difference_lines(both: Sides, controls: Mapping[str, Control], width: int) -> Iterator[str]:
    """What is new, gone and not seen again, by object; the scores; what was not read; and all of it in numbers."""
    for change, number, rows in difference_groups(both, controls):
        sign, head = HEADS[change]
        yield from wrapped(f"{head}: {number}", width)
        for _, of_object in groupby(rows, key=lambda row: (row.object, row.file)):
            yield from _object_lines(list(of_object), sign, width)
        yield ""
    if both.difference.outside:
        yield from wrapped(outside_text(both), width)
        yield ""
    yield from _compliance(both)
    yield from _not_read(both, width)
    yield from wrapped(numbers_text(both), width)


def _object_lines(rows: Sequence[DifferenceRow], sign: str, width: int) -> Iterator[str]:
    first = rows[0]
    where = f"   {plain(first.file, 4096)}" if first.file else ""
    yield from (f"  {line}" for line in wrapped(f"{plain(first.object)}{where}", width - 2))
    for row in rows:
        what = " ".join(part for part in (plain(row.edit, _LONGEST), plain(row.path, _LONGEST)) if part)
        place = f"{plain(row.file, 4096)}:{row.line}" if row.line and row.file else ""
        text = f"{row.severity} {plain(row.problem)} ({', '.join(map(plain, row.ids))})"
        head, *more = wrapped(text, width - 6)
        yield f"    {sign} {head}"
        yield from (f"        {one}" for one in more)
        if rest := "  ".join(part for part in (place, what) if part):
            room, path = max(width - 8, 20), plain(row.path, _LONGEST)
            for one in wrapped(rest, room):
                # Where a file is stays whole, so that it can be opened.
                yield from (f"        {part}" for part in (broken_path(one, room) if one == path else (one,)))


def numbers_text(both: Sides) -> str:
    """``2 new, 1 gone, 40 unchanged``, and what nothing is known of."""
    numbers = both.difference.numbers
    unread = f", {len(both.new.unread):,} not read" if both.new.unread else ""
    more = f", {numbers.unseen:,} not seen again" if numbers.unseen else ""
    more += f", {numbers.outside:,} not looked at" if numbers.outside else ""
    return f"{numbers.new:,} new, {numbers.gone:,} gone, {numbers.unchanged:,} unchanged{more}{unread}"


def outside_text(both: Sides) -> str:
    """What was scanned before and not now."""
    number = count(both.difference.numbers.outside, "finding")
    return f"not looked at: {number} of before, outside of {plain(both.new.target, 4096)}: neither there nor gone"


def scores_of(
    both: Sides, *, with_change: bool = True
) -> Iterator[tuple[str, float | None, float | None, str]]:
    """Name, score before and now, and the change in words; of parts of what was scanned before the scores say nothing."""
    for name in dict.fromkeys((*both.old.compliance, *both.new.compliance)):
        was, now = both.old.compliance.get(name), both.new.compliance.get(name)
        change = ""
        if with_change and was is not None and now is not None and not both.difference.outside:
            points = round(now - was, 1)
            change = f"{points:+g} points" if points else "unchanged"
        elif with_change and both.difference.outside:
            change = "of less than before"
        yield name, was, now, change


def _compliance(both: Sides) -> Iterator[str]:
    rows = list(scores_of(both))
    if not rows:
        return
    yield "compliance"
    widest = max(columns(plain(name)) for name, _, _, _ in rows)
    for name, was, now, change in rows:
        end = f"   {change}" if change else ""
        yield f"    {padded(plain(name), widest)}  {score_text(was)} -> {score_text(now)}{end}"
    yield ""


def score_text(score: float | None) -> str:
    return _NOT_RECORDED if score is None else f"{score:.1f} %"


def not_read_rows(both: Sides) -> list[str]:
    """By name with what is to say about it, what was read before first: only of that the comparison says less than it did."""
    before = set(both.old.unread)
    # Of another target parts have other names.
    is_comparable = both.old.target == both.new.target
    rows = sorted(dict.fromkeys(both.new.unread), key=lambda where: (where in before, where))
    return [
        f"{plain(where, 4096)}{', which was not among these before' if is_comparable and where not in before else ''}"
        for where in rows
    ]


def _not_read(both: Sides, width: int) -> Iterator[str]:
    rows = not_read_rows(both)
    if not rows:
        return
    yield from wrapped(
        f"not read  {count(len(rows), 'part')}: what is in them is neither new nor gone", width
    )
    for row in rows[:_NAMED]:
        first, *rest = wrapped(row, width - 4)
        yield f"  ! {first}"
        yield from (f"      {line}" for line in rest)
    if len(rows) > _NAMED:
        yield f"    and {len(rows) - _NAMED:,} more, --format json names all"
    yield ""


def object_title(object: str) -> str:
    """``shop/Deployment/web`` of ``apps/Deployment/shop/web``."""
    own = object.partition(">")[0].split("/")
    if len(own) != 4:
        return plain(object)
    _, kind, namespace, name = own
    return plain(f"{namespace}/{kind}/{name}" if namespace else f"{kind}/{name}")
