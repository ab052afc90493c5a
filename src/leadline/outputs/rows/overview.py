"""The report from above: where to begin, the areas of a cluster, and findings counted by object, namespace or fix."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from leadline.model.control import SEVERITIES, Severity
from leadline.model.report import PostureReport
from leadline.model.risk import WorkloadRisk
from leadline.outputs.rows.control_groups import urgency
from leadline.outputs.rows.first_fixes import FirstFix, first_fixes
from leadline.outputs.rows.place import FindingPlaces, titles_of
from leadline.outputs.rows.remediation import fix
from leadline.outputs.text.plain import columns, command_lines, count, padded, plain, wrapped
from leadline.posture.risk.ranking import workload_risks

View = Literal["control", "object", "namespace", "fix"]
VIEWS: tuple[View, ...] = ("control", "object", "namespace", "fix")
_CANDIDATES = 15
"""Workloads that are looked at for the few that are shown."""
_ROWS = 20
_FEWEST = 3
"""Objects that fail; of fewer the table says all at one look."""
_NARROW = 80
_SHORT: Mapping[Severity, str] = {"critical": "CRIT", "high": "HIGH", "medium": "MED", "low": "LOW"}
_RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}
_SHOWN: tuple[Severity, ...] = ("critical", "high", "medium", "low")

Paint = Callable[[str, str], str]
"""Text, and the severity that colours it."""


def first_fixes_of(report: PostureReport, places: FindingPlaces) -> list[FirstFix]:
    """The objects to begin with, the first one first; none where hardly anything fails."""
    return fixes_among(report, risks_of(report, places)) if _fails_enough(report) else []


def fixes_among(report: PostureReport, risks: Sequence[WorkloadRisk]) -> list[FirstFix]:
    """The same where ``risks`` are known."""
    fixes = first_fixes(report, risks) if _fails_enough(report) else []
    return fixes if len(fixes) >= _FEWEST else []


def _fails_enough(report: PostureReport) -> bool:
    return len({finding.resource for finding in report.findings}) >= _FEWEST


def risks_of(report: PostureReport, places: FindingPlaces) -> tuple[WorkloadRisk, ...]:
    """The ranks that ``report`` holds, else those of the workloads with most at stake."""
    if report.risks is not None:
        return report.risks
    # What the few sentences say is hidden, rather than what the bodies of all objects do.
    ranked = workload_risks(report, body=places.read_body, candidates=_CANDIDATES)
    return tuple(map(places.shown_risk, ranked))


def first_lines(report: PostureReport, places: FindingPlaces, width: int, detail: str) -> Iterator[str]:
    """``fix first``: five objects, why each, and the command that shows one; nothing where hardly anything fails.

    ``detail`` is the command with ``NAME`` for the object; empty where there is none.
    """
    fixes = first_fixes_of(report, places)
    if not fixes:
        return
    yield "fix first"
    widest = max(columns(one.title) for one in fixes)
    beside = widest + 5 + 30 <= width
    for number, one in enumerate(fixes, 1):
        if beside:
            first, *more = wrapped(plain(one.why, 1_000), width - widest - 7) or [""]
            yield f"  {number}  {padded(one.title, widest)}  {first}"
            yield from (" " * (widest + 7) + line for line in more)
        else:
            yield f"  {number}  {one.title}"
            yield from (f"     {line}" for line in wrapped(plain(one.why, 1_000), width - 5))
    if detail:
        yield from command_lines(f"     {detail.replace('NAME', fixes[0].title)}", width)
    yield ""


class _Area(Struct, frozen=True):
    name: str
    failed: int
    judged: int
    worst: Severity
    problem: str


def area_lines(report: PostureReport, paint: Paint, width: int) -> Iterator[str]:
    """One row for each area, worst first: how many of its controls fail, and the worst problem."""
    rows = _areas(report)
    widest = max(len("AREA"), *(columns(row.name) for row in rows))
    tallies = [f"{row.failed} of {count(row.judged, 'control')}" for row in rows]
    tally = max(len("FAILED"), *map(len, tallies))
    yield f"{'AREA':{widest}}  {'FAILED':{tally}}  WORST"
    for row, text in zip(rows, tallies, strict=True):
        head = f"{padded(row.name, widest)}  {text:{tally}}  "
        problem = plain(row.problem)
        if not row.failed:
            yield head + "-"
        elif columns(head) + 10 + columns(problem) <= width:
            yield f"{head}{paint(row.worst, row.worst)}{' ' * (8 - len(row.worst))}  {problem}"
        else:
            yield head + paint(row.worst, row.worst)
            yield from (f"    {line}" for line in wrapped(problem, width - 4))
    yield ""


def _areas(report: PostureReport) -> list[_Area]:
    failed: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    worst: dict[str, tuple[tuple[int, int, float, str], Severity, str]] = {}
    for row in report.by_control:
        if not row.judged:
            continue
        # ``Workload / Supply chain`` counts for images, every other category by its first part.
        first, _, second = (part.strip() for part in row.control.category.partition("/"))
        name = "images" if second == "Supply chain" else (first or "other").lower()
        judged[name] += 1
        if row.failed:
            failed[name] += 1
            mine = (urgency(row.counts), row.counts.severity, row.control.problem or row.control.title)
            worst[name] = min(worst.get(name, mine), mine)
    rows = [
        _Area(name, failed[name], judged[name], *worst.get(name, ((), "unknown", ""))[1:]) for name in judged
    ]
    return sorted(rows, key=lambda row: (worst[row.name][0] if row.failed else (9, 9, 0.0, ""), row.name))


def view_lines(report: PostureReport, view: View, least: Severity, paint: Paint, width: int, *, shows_all: bool) -> Iterator[str]:  # fmt: skip
    """Failed pairs of control and object counted by what ``view`` says, the worst row first."""
    counts = _counted(report, view, least)
    rows = sorted(counts.items(), key=lambda row: ([-row[1][s] for s in SEVERITIES], row[0]))
    listed = rows if shows_all else rows[:_ROWS]
    is_narrow = width < _NARROW
    cell = 4 if is_narrow else 8
    heads = [f"{(_SHORT[severity] if is_narrow else severity.upper()):>{cell}}" for severity in _SHOWN]
    yield f"{'  '.join(heads)}  {view.upper()}"
    left = (cell + 2) * len(_SHOWN)
    for name, numbers in listed:
        cells = [paint(f"{numbers[s]:>{cell},}", s) if numbers[s] else f"{'-':>{cell}}" for s in _SHOWN]
        first, *more = wrapped(name, width - left) or [""]
        yield f"{'  '.join(cells)}  {first}"
        yield from (" " * left + line for line in more)
    if len(listed) < len(rows):
        yield f"and {len(rows) - len(listed):,} more   -v shows them"
    yield ""


def _counted(report: PostureReport, view: View, least: Severity) -> Mapping[str, Counter[Severity]]:
    title = titles_of(report)
    seen: set[tuple[str, str, str]] = set()
    counts: dict[str, Counter[Severity]] = {}
    for finding in report.findings:
        severity = finding.control_of(report.controls_by_id).severity
        if _RANK[severity] > _RANK[least]:
            continue
        resource = report.resource(finding.resource)
        match view:
            case "namespace":
                name = plain(resource.namespace) or "(no namespace)"
            case "fix":
                name = fix(finding)
            case _:
                name = title(resource)
        pair = (name, finding.control, finding.resource)
        if pair not in seen:
            seen.add(pair)
            counts.setdefault(name, Counter())[severity] += 1
    return counts
