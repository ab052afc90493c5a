"""For a person at a terminal: plain columns, worst first, what was not seen, what to do next, the verdict last.

Colour is on severities, carets, scores and the verdict, headings are bold, and nothing depends on it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import IO

from leadline.model.control import SEVERITIES
from leadline.model.report import PostureReport
from leadline.outputs.allowance import MOST_DRAWN
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.control_groups import ControlGroup, control_groups
from leadline.outputs.rows.edit_rows import (
    EditRow,
    also_named,
    cause_rows,
    failing_text,
    failing_unread,
    shown_findings,
    subject_text,
)
from leadline.outputs.rows.excerpt import excerpts
from leadline.outputs.rows.overview import area_lines, first_lines, view_lines
from leadline.outputs.rows.place import FindingPlaces, titles_of
from leadline.outputs.rows.remediation import why
from leadline.outputs.rows.summary import closing, denied_rules, scanned, scores, target_name
from leadline.outputs.text.coverage_text import not_seen
from leadline.outputs.text.plain import (
    and_more,
    broken_at,
    broken_path,
    columns,
    count,
    padded,
    plain,
    side_by_side,
    wrapped,
)
from leadline.outputs.text.waiver_text import change_lines

_NARROW = 80
_NAMES = 32
"""Columns that the names of objects get before long problems are broken."""
_ROWS = 12
"""Rows of a short table. Critical and high controls are always listed, the rest as far as there is room."""
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
        out.write(_with_bold_heading(line.rstrip(), page) + "\n")


_HEADING = re.compile(
    r"(?:fix first|failing|not read|undecided|left out|accepted|not shown|score|next|SEVERITY .*)(?= |$)"
)


def _with_bold_heading(line: str, page: Page) -> str:
    """A line at the left edge that begins a part has its first words in bold."""
    if not page.colour:
        return line
    match = _HEADING.match(line)
    return _paint(match[0], "neither", page) + line[match.end() :] if match else line


def _all(report: PostureReport, page: Page) -> Iterator[str]:
    yield from _heading(report, page)
    new = report.new
    groups = control_groups(new, page.least)
    if groups and page.verbose:
        yield from _blocks(new, page)
    if groups:
        yield from first_lines(
            new,
            FindingPlaces(new, page.places),
            page.width,
            "" if page.verbose else plain(page.of_object, 4096),
        )
        yield from _counted(new, groups, page, "FAILED" if new is report else "NEW")
    failed = sum(1 for row in new.by_control if row.failed)
    below = failed - len({id for group in groups for id in group.ids})
    if below:
        yield f"not shown  {count(below, 'failed control')} below --min-severity"
        yield ""
    yield from not_seen(report, page)
    yield from _failing(report, page)
    yield from _closing(report, groups, page)


def _counted(report: PostureReport, groups: list[ControlGroup], page: Page, head: str) -> Iterator[str]:
    """The table of problems, or what the reader wants to see in its place."""

    def paint(text: str, style: str) -> str:
        return _paint(text, style, page)

    if page.view in ("object", "namespace", "fix"):
        yield from view_lines(report, page.view, page.least, paint, page.width, shows_all=page.verbose)  # type: ignore[arg-type]
        return
    if not page.view and not page.verbose:
        yield from area_lines(report, paint, page.width)
        return
    yield from _table(report, groups, page, head)
    yield ""


def _heading(report: PostureReport, page: Page) -> Iterator[str]:
    name, text = target_name(report), scanned(report)
    if columns(name) + 3 + columns(text) <= page.width:
        yield f"{name}   {text}"
    else:
        yield from wrapped(name, page.width)
        yield from wrapped(text, page.width)
    for number, line in enumerate(change_lines(report, 1_000 if page.verbose else 5)):
        for part in wrapped(line, page.width - 2):
            yield f"  {part}" if number else _paint(part, "bad", page)
    yield ""


def _paint(text: str, style: str, page: Page) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if page.colour else text


def _severity(severity: str, page: Page) -> str:
    return _paint(severity, severity, page) + " " * (_SEVERITY_WIDTH - len(severity))


# The table of problems


_Offenders = Mapping[tuple[str, bool], list[str]]
"""Titles of objects, by the ``key`` of the group of controls that they fail."""


class _Widths:
    def __init__(self, groups: Sequence[ControlGroup], page: Page, names: _Offenders) -> None:
        """``names``: of the objects that fail each control."""
        self.page = page
        self.id = max(columns("CONTROL"), *(columns(plain(group.control.id)) for group in groups))
        self.left = _SEVERITY_WIDTH + 2 + self.id + 2
        self.tally = max(columns("FAILED"), *(len(_tally(group)) for group in groups))
        room = page.width - self.left - 2 - self.tally
        self.problem = max(8, min(room, max(columns(_problem(group)) for group in groups)))
        if page.width >= _NARROW:
            self.problem = max(8, min(self.problem, max(30, room - 2 - _NAMES)))
        self.used = self.left + self.problem + 2 + self.tally + 2
        fitting = sum(self.fits(names[group.key], group.row.failed) for group in groups)
        self.is_narrow = page.width < _NARROW or 2 * fitting < len(groups)
        """Whether objects are below their problem: no column of theirs that most rows leave empty takes its room."""
        if self.is_narrow:
            self.problem = max(8, min(room, max(columns(_problem(group)) for group in groups)))
            self.used = self.left + self.problem + 2 + self.tally + 2

    def fits(self, names: list[str], failed: int) -> bool:
        """Whether the first of ``names`` is whole beside the other columns."""
        return self.room >= max(20, columns(names[0]) + len(and_more(failed - 1)))

    @property
    def room(self) -> int:
        """Columns that are left for the names of objects beside the other columns."""
        return self.page.width - self.used


def _table(report: PostureReport, groups: list[ControlGroup], page: Page, tally: str) -> Iterator[str]:
    listed = groups if page.verbose else _listed(groups)
    offenders = _offenders(report, {group.key for group in listed})
    widths = _Widths(listed, page, offenders)
    head = f"{'SEVERITY':{_SEVERITY_WIDTH}}  {'CONTROL':{widths.id}}  {'PROBLEM':{widths.problem}}  {tally:>{widths.tally}}"
    yield head if widths.is_narrow else f"{head}  OBJECTS"
    for group in listed:
        yield from _row(group, offenders[group.key], widths)
    yield from _rest(groups[len(listed) :], page)


def _row(group: ControlGroup, names: list[str], widths: _Widths) -> Iterator[str]:
    problem = wrapped(_problem(group), widths.problem) or [""]
    head = f"{_severity(group.severity, widths.page)}  {padded(plain(group.control.id), widths.id)}  "
    first = f"{head}{padded(problem[0], widths.problem)}  {_tally(group):>{widths.tally}}"
    indent = " " * widths.left
    failed = group.row.failed
    if not widths.is_narrow and widths.fits(names, failed):
        yield f"{first}  {_names(names, failed, widths.room)}"
        yield from (indent + more for more in problem[1:])
        return
    yield first
    yield from (indent + more for more in problem[1:])
    width = widths.page.width - widths.left
    beside = _names(names, failed, width)
    # A name that is wider than its column starts further left, so that it stays whole.
    indent = indent if columns(names[0]) <= width else "  "
    yield from (indent + line for line in wrapped(beside, widths.page.width - len(indent)))


def _problem(group: ControlGroup) -> str:
    control = group.control
    text = plain(control.problem or control.title)
    return f"{text}, {count(len(group.ids), 'control')}" if group.contained else text


def _tally(group: ControlGroup) -> str:
    return f"{group.row.failed:,} of {group.row.judged:,}"


def _listed(groups: list[ControlGroup]) -> list[ControlGroup]:
    grave = sum(1 for group in groups if group.severity in ("critical", "high"))
    return groups[: max(grave, _ROWS if len(groups) > _ROWS + 1 else len(groups))]


def _rest(groups: list[ControlGroup], page: Page) -> Iterator[str]:
    advice = "   -v shows them"
    for severity in SEVERITIES:
        group = [one for one in groups if one.severity == severity]
        if group:
            text = f"{count(len(group), 'more problem')}{advice}"
            room = page.width - _SEVERITY_WIDTH - 2
            first, *more = [text] if columns(text) <= room else wrapped(text, room)
            yield f"{_severity(severity, page)}  {first}"
            yield from (" " * (_SEVERITY_WIDTH + 2) + line for line in more)
            advice = ""


def _offenders(report: PostureReport, keys: set[tuple[str, bool]]) -> _Offenders:
    """The titles of the objects that fail each control, each once, in the order of reading."""
    title = titles_of(report)
    titles: dict[tuple[str, bool], dict[str, None]] = {key: {} for key in keys}
    for finding in report.findings:
        key = (finding.control, finding.is_namespaced)
        if key in keys and len(titles[key]) < _ROWS:
            titles[key].setdefault(title(report.resource(finding.resource)))
    return {key: list(found) for key, found in titles.items()}


def _names(names: list[str], failed: int, width: int) -> str:
    """As many names as fit, then how many more there are. The first is always whole."""
    text = names[0]
    used = 1
    for name in names[1:]:
        longer = f"{text}, {name}"
        if columns(longer) + len(and_more(failed - used - 1)) > width:
            break
        text, used = longer, used + 1
    return text + and_more(failed - used)


# Verbose: each problem, and the places where it is


def _blocks(report: PostureReport, page: Page) -> Iterator[str]:
    places = FindingPlaces(report, page.places)
    problems: dict[tuple[str, ...], list[EditRow]] = {}
    for row in cause_rows(report, places, page.least):
        problems.setdefault(tuple(control.id for control in row.controls), []).append(row)
    drawn = 0
    for rows in problems.values():
        for line in chain(_about(rows[0], page), _places(rows, report, places, page)):
            if drawn > MOST_DRAWN:
                yield "the rest is not drawn, it is too long; -f json and -f lines hold all"
                yield ""
                return
            drawn += len(line)
            yield line


def _about(row: EditRow, page: Page) -> Iterator[str]:
    """What is wrong, which controls say so, and why it matters."""
    severity = row.severity
    ids = " ".join(plain(control.id) for control in row.controls)
    problem = plain(row.problem)
    if columns(f"{severity}  {problem}   {ids}") <= page.width:
        yield f"{_paint(severity, severity, page)}  {problem}   {ids}"
    else:
        first, *more = wrapped(problem, page.width - len(severity) - 2)
        yield f"{_paint(severity, severity, page)}  {first}"
        yield from (f"  {line}" for line in more)
        yield from (f"  {line}" for line in wrapped(ids, page.width - 2))
    yield from (f"  {line}" for line in wrapped(plain(row.reason or why(row.controls[0])), page.width - 2))
    yield f"  {page.command} explain {plain(row.controls[0].id)}"
    yield ""


def _places(
    rows: Sequence[EditRow], report: PostureReport, places: FindingPlaces, page: Page
) -> Iterator[str]:
    by_subject: dict[tuple[str, ...], list[EditRow]] = {}
    for row in rows:
        by_subject.setdefault(row.subjects, []).append(row)
    title = titles_of(report)
    for group in by_subject.values():
        name = subject_text(group[0], report, title)
        previous = ""
        findings = [one for row in group for one in shown_findings(row)]
        for part in excerpts(findings, places, page.width):
            through = "" if part.resource.id in group[0].subjects else f", through {title(part.resource)}"
            heading = f"{name}{through}"
            if heading == previous:
                yield from ([f"  {part.where}"] if part.where else [])
            elif columns(heading) + 5 + columns(part.where) <= page.width:
                yield f"  {heading}   {part.where}"
            else:
                yield from (f"  {line}" for line in wrapped(heading, page.width - 2))
                yield from ([f"  {part.where}"] if part.where else [])
            previous = heading
            if group[0].causes:
                yield from broken_at(f"  rests on {group[0].causes}", page.width)
            yield from (f"  {line}" for line in broken_path(part.path, page.width - 2))
            for line in part.lines:
                yield (
                    line.left + (_paint(line.mark, group[0].severity, page) if line.mark else "") + line.right
                )
            yield ""
        if also := also_named(group[0], report, title):
            yield from (f"  {line}" for line in wrapped(also, page.width - 2))
            yield ""


# What was not seen, and the end


def _failing(report: PostureReport, page: Page) -> Iterator[str]:
    """What made the gate fail, with file and line, for a log that is not run again with -v."""
    if page.passed or page.verbose:
        return
    lines: list[str] = []
    if page.gate is not None:
        lines += failing_text(report.new, FindingPlaces(report, page.places), page.gate)
    if page.fails_unread:
        lines += failing_unread(report)
    if lines:
        yield "failing"
        for line in lines:
            yield from broken_at(f"  {line}", page.width)
        yield ""


def _closing(report: PostureReport, groups: list[ControlGroup], page: Page) -> Iterator[str]:
    yield from _scores(report, page)
    advice = _advice(report, groups, page)
    if advice:
        label = "next      "
        indent = " " * len(label)
        first, *more = side_by_side([indent + advice[0], *advice[1:]], page.width, "      ", indent)
        yield label + first.removeprefix(indent)
        yield from more
    style = (
        "bad" if not page.passed else "good" if page.verdict or not (groups or report.unread) else "neither"
    )
    for line in wrapped(closing(report, page.verdict), page.width):
        yield _paint(line, style, page)


def _scores(report: PostureReport, page: Page) -> Iterator[str]:
    rows = scores(report)
    width = max(columns(name) for name, _ in rows)
    label = "score     "
    for name, text in rows:
        first, *more = wrapped(text, page.width - len(label) - width - 2) or [""]
        yield f"{label}{padded(name, width)}  {_with_meaning(first, page)}"
        yield from (" " * (len(label) + width + 2) + line for line in more)
        label = " " * len(label)


def _with_meaning(score: str, page: Page) -> str:
    """``61 % of 19 judged`` with its number coloured by how good that is; without colour the number says it."""
    number = re.match(r"(\d+) %", score)
    if number is None:
        return score
    style = next(style for least, style in _GOOD_FROM if int(number[1]) >= least)
    return _paint(number[0], style, page) + score[number.end() :]


_GOOD_FROM = ((90, "good"), (70, "medium"), (0, "high"))


def _advice(report: PostureReport, groups: list[ControlGroup], page: Page) -> list[str]:
    if not page.view and not page.verbose and page.again:
        return [f"{plain(page.again, 4096)} --by control", f"{plain(page.again, 4096)} -v"]
    advice = [f"{page.command} explain {plain(groups[0].control.id)}"] if groups else []
    again = plain(page.again, 4096)
    if groups and again and not page.verbose:
        advice.append(f"{again} -v")
    if groups and page.fix:
        advice.append(plain(page.fix, 4096))
    if denied_rules(report.unread):
        advice += [plain(page.rbac, 4096)] if page.rbac else []
        advice += [f"{again} --verbose-coverage"] if again and not page.coverage else []
    return advice
