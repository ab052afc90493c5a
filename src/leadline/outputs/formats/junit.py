"""JUnit XML, for the test page of a build server: a suite for each framework asked for, a test for each control.

Form: https://github.com/jenkinsci/xunit-plugin (junit-10.xsd), which Jenkins, GitLab, Azure and CircleCI read.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from leadline.model.control import SEVERITIES
from leadline.model.finding import Finding
from leadline.model.report import ControlCount, PostureReport
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.counters import status_info
from leadline.outputs.rows.place import FindingPlaces, place_text, titles_of
from leadline.outputs.rows.remediation import control_text, fix
from leadline.outputs.text.passed_over import passed_over
from leadline.outputs.text.plain import count, plain
from leadline.outputs.text.waiver_text import change_lines, odd_waivers, why_accepted

_MOST_LINES = 100
"""Of objects in one failure."""
_MOST_PARTS = 1_000
"""Of what was not read, and of what was left out."""


@format("junit", suffix=".xml")
def junit(report: PostureReport, out: IO[str], page: Page) -> None:
    cases = _Cases(report, page)
    wanted = SEVERITIES[: SEVERITIES.index(page.least) + 1]
    rows = sorted((r for r in report.by_control if r.counts.severity in wanted), key=lambda r: r.control.id)
    # Those that only give scores hold a part of what was judged.
    asked = report.frameworks if page.asked.by == "Framework" and page.asked.names else ()
    first = []
    if lines := "\n".join(change_lines(report)):
        said = f"    <system-out>{_text(lines)}</system-out>\n"
        first.append(_element("accepted by this change", (0, 0, 0, 0), [said], page))
    suites = [
        _suite(f.name, [r for r in rows if r.control.id in set(f.control_ids)], cases, page) for f in asked
    ] or [_suite("leadline", rows, cases, page)]
    suites += _passed_over(report, page)
    if remarks := "\n".join(odd_waivers(report.waivers)):
        said = f"    <system-out>{_text(remarks)}</system-out>\n"
        suites.append(_element("waivers", (0, 0, 0, 0), [said], page))
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="Leadline">\n')
    for suite in (*first, *suites):
        out.write(suite)
    out.write("</testsuites>\n")


class _Cases:
    def __init__(self, report: PostureReport, page: Page) -> None:
        self._report = report
        self._new = {row.control.id: row.failed for row in report.new.by_control}
        self._known = frozenset(report.baseline.known if report.baseline else ())
        self._places = FindingPlaces(report, page.places)
        self._title = titles_of(report)
        self._findings: dict[str, list[Finding]] = {}
        self._before: dict[str, list[Finding]] = {}
        for number, finding in enumerate(report.findings):
            kept = self._before if number in self._known else self._findings
            kept.setdefault(finding.control, []).append(finding)

    def status(self, row: ControlCount) -> str:
        """What the test comes to: what a baseline knows fails none."""
        return "passed" if row.status == "failed" and not self._new[row.control.id] else row.status

    def case(self, row: ControlCount, suite: str) -> str:
        names = f"classname={_quoted(f'{suite}/{row.control.id}')} name={_quoted(row.control.title)}"
        if self.status(row) == "failed":
            new = "new " if self._report.baseline else ""
            failed = self._new[row.control.id]
            message = f"{row.control.title} failed on {count(failed, f'{new}object')}"
            body = "\n".join(self._lines(row))
            inner = f'<failure type="Control" message={_quoted(message)}>{_text(body)}</failure>'
        elif self.status(row) == "skipped":
            info = status_info(row)
            why = f"{info['subStatus']}: {info['info']}"
            inner = f"<skipped message={_quoted(why)}/>"
        else:
            inner = ""
        said = [*self._known_lines(row.control.id), *self._accepted(row.control.id)]
        inner += f"<system-out>{_text(chr(10).join(said))}</system-out>" if said else ""
        return f"    <testcase {names}>{inner}</testcase>\n" if inner else f"    <testcase {names}/>\n"

    def _lines(self, row: ControlCount) -> Iterator[str]:
        text = control_text(row.control)
        yield plain(text.fix or text.why, 1_000)
        yield from text.links[:1]
        yield from self._found(self._findings.get(row.control.id, []))

    def _found(self, findings: Sequence[Finding]) -> Iterator[str]:
        for finding in findings[:_MOST_LINES]:
            spot = place_text(self._places.holder(finding), self._places.find(finding))
            yield f"{spot}: {self._title(self._report.resource(finding.resource))}: {fix(finding)}"
        if len(findings) > _MOST_LINES:
            yield f"and {len(findings) - _MOST_LINES:,} more"

    def _known_lines(self, control_id: str) -> Iterator[str]:
        yield from (f"known: {line}" for line in self._found(self._before.get(control_id, [])))

    def _accepted(self, control_id: str) -> Iterator[str]:
        for one in self._report.waived:
            if one.finding.control == control_id:
                title = self._title(self._report.resource(one.finding.resource))
                yield f"accepted: {title}: {why_accepted(self._report.waivers[one.waiver].waiver)}"


def _suite(name: str, rows: Sequence[ControlCount], cases: _Cases, page: Page) -> str:
    failed, skipped = (sum(1 for r in rows if cases.status(r) == state) for state in ("failed", "skipped"))
    return _element(name, (len(rows), failed, skipped, 0), (cases.case(r, name) for r in rows), page)


def _passed_over(report: PostureReport, page: Page) -> Iterator[str]:
    """A suite of errors for what was not read, one of skipped tests for what was left out."""
    for sort in passed_over(report, _MOST_PARTS):
        parts = [(part.where, part.why, part.hint) for part in sort.parts]
        parts += [(sort.rest, "too many to name", "")] if sort.rest else []
        cases = [
            f"    <testcase classname={_quoted(sort.word)} name={_quoted(where)}>"
            + (
                f"<skipped message={_quoted(why)}/>"
                if sort.is_choice
                else f'<error type="Unread" message={_quoted(why)}>{_text(plain(hint))}</error>'
            )
            + "</testcase>\n"
            for where, why, hint in parts
        ]
        numbers = (len(cases), 0, len(cases), 0) if sort.is_choice else (len(cases), 0, 0, len(cases))
        yield _element(sort.word, numbers, cases, page)


def _element(name: str, numbers: tuple[int, int, int, int], inner: Iterable[str], page: Page) -> str:
    tests, failures, skipped, errors = numbers
    counts = f'tests="{tests}" failures="{failures}" skipped="{skipped}" errors="{errors}" time="0"'
    moment = page.at.removesuffix("Z")
    head = f'  <testsuite name={_quoted(name)} {counts} timestamp="{moment}">\n'
    return f"{head}{''.join(inner)}  </testsuite>\n"


def _quoted(text: str) -> str:
    return quoteattr(plain(text, 1_000))


def _text(text: str) -> str:
    """``text`` of lines that are plain already."""
    return escape(text)
