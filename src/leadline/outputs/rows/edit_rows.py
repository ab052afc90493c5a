"""Findings as edits: one row for each place and edit, however many controls and overlays ask for it."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from leadline.kube.workload import images_in
from leadline.model.control import SEVERITIES, Control, Review, Severity
from leadline.model.finding import Finding, Place
from leadline.model.report import PostureReport
from leadline.model.resource import Resource
from leadline.outputs.rows.causes import cause_of
from leadline.outputs.rows.control_groups import urgency
from leadline.outputs.rows.objects_elsewhere import causes_text
from leadline.outputs.rows.place import FindingPlaces, file_of, place_text, steering, titles_of
from leadline.outputs.rows.remediation import fix
from leadline.outputs.text.plain import plain
from leadline.posture.checks.image_names import parse_image_name

MOST_NAMED = 20
"""Objects of one row that are named."""
MOST_FAILING = 20
"""Lines that a failed gate prints into a log."""
_FAILING_IDS = 5
"""Controls named in each of them."""
Title = Callable[[Resource], str]
_OF_FILES = ("file", "kustomize", "helm")
_EVERY_RIGHT = "C-0035"
_RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}


class EditRow(Struct, frozen=True):
    """One edit at one place, or several that are one thing to do."""

    finding: Finding
    """Of those that ask for it the first of the most urgent control."""
    place: Place | None
    """Of that first edit."""
    controls: tuple[Control, ...]
    """Those that ask for it, most urgent first."""
    subjects: tuple[str, ...]
    """Ids of the objects that fail by it, in the order of reading."""
    overlays: int = 1
    """Charts and kustomizations through which the same line of source is reached."""
    causes: str = ""
    """What it rests on in other files, in words."""
    others: tuple[Finding, ...] = ()
    """A finding for each further edit."""
    copies: int = 1
    """Files that hold the object, each with this edit."""
    called: str = ""
    """What several edits together are called."""
    reason: str = ""
    """Why those matter together."""

    @property
    def severity(self) -> Severity:
        return self.controls[0].severity

    @property
    def problem(self) -> str:
        return self.called or self.controls[0].problem or self.controls[0].title

    @property
    def edits(self) -> int:
        return self.copies * (1 + len(self.others))


class EditGroup(Struct, frozen=True):
    """The findings that ask for one edit at one place, in the order of reading; at least one."""

    findings: tuple[Finding, ...]
    place: Place | None


Groups = Mapping[tuple[object, ...], EditGroup]
"""By what sets one edit apart from another."""


def edit_rows(report: PostureReport, places: FindingPlaces, least: Severity = "unknown") -> list[EditRow]:
    """The edits that controls of at least that severity ask for, most urgent first, then in the order of reading."""
    controls = report.controls_by_id
    groups = edit_groups(report, places, least)
    breadth = breadth_of(groups)
    title = titles_of(report)
    orders: dict[Hashable, tuple[Control, ...]] = {}
    rows = []
    for group in groups.values():
        # The same few controls ask for most edits.
        asking = tuple([(finding.control, finding.is_namespaced) for finding in group.findings])
        if (order := orders.get(asking)) is None:
            order = orders[asking] = ordered(group, controls, breadth)
        rows.append(edit_row(group, order, report, places, title))
    return sorted(rows, key=order_of)


def edit_groups(
    report: PostureReport,
    places: FindingPlaces,
    least: Severity = "unknown",
    known: Mapping[int, tuple[object, ...]] = MappingProxyType({}),
) -> Groups:
    """Every edit that controls of at least that severity ask for.

    ``known`` are keys of findings without a place that were grouped before and still live, by ``id()``.
    """
    found: dict[tuple[object, ...], tuple[list[Finding], Place | None]] = {}
    for finding in _at_least(report, least):
        place = None
        if (key := known.get(id(finding))) is None:
            place = places.find(finding)
            key = _key(finding, place, report)
        if (group := found.get(key)) is None:
            found[key] = group = [], place
        group[0].append(finding)
    return {key: EditGroup(tuple(findings), place) for key, (findings, place) in found.items()}


def _at_least(report: PostureReport, least: Severity) -> Iterable[Finding]:
    if _RANK[least] == len(SEVERITIES) - 1:
        return report.findings
    controls = report.controls_by_id
    return (one for one in report.findings if _RANK[one.control_of(controls).severity] <= _RANK[least])


def breadth_of(groups: Groups) -> Mapping[str, int]:
    """How many edits each control asks for."""
    return Counter(id for group in groups.values() for id in {finding.control for finding in group.findings})


def ordered(
    group: EditGroup, controls: Mapping[str, Control], breadth: Mapping[str, int]
) -> tuple[Control, ...]:
    """The controls that ask for it, most urgent first."""
    found: dict[str, Control] = {}
    for finding in group.findings:
        # Of a role that is bound in a namespace and everywhere, what is everywhere counts.
        if finding.control not in found or not finding.is_namespaced:
            found[finding.control] = finding.control_of(controls)
    if len(found) == 1:
        return tuple(found.values())

    def order(control: Control) -> tuple[object, ...]:
        # Of two alike, the one that asks for little else says best what is wrong here; every right holds all others.
        return (
            _RANK[control.severity],
            control.id != _EVERY_RIGHT,
            breadth[control.id],
            *urgency(control),
        )

    return tuple(sorted(found.values(), key=order))


def edit_row(
    group: EditGroup,
    controls: tuple[Control, ...],
    report: PostureReport,
    places: FindingPlaces,
    title: Title,
) -> EditRow:
    first = next(finding for finding in group.findings if finding.control == controls[0].id)
    renderings = set()
    if group.place is not None:
        renderings = {report.resource(finding.on).origin.rendering for finding in group.findings}
    return EditRow(
        first,
        group.place,
        controls,
        tuple(dict.fromkeys([finding.resource for finding in group.findings])),
        max(1, len(renderings - {""})),
        causes_text(first, report, places, title) if first.related else "",
    )


def order_of(row: EditRow) -> tuple[int, int]:
    """What is more urgent is less."""
    return urgency(row.controls[0])[:2]


def cause_rows(report: PostureReport, places: FindingPlaces, least: Severity = "unknown") -> list[EditRow]:
    """The same for a person: copies of an object once, and edits that are one thing to do as one row."""
    rows = _by_cause(_without_copies(edit_rows(report, places, least), report, places), report, places)
    return sorted(rows, key=order_of)


def _key(finding: Finding, place: Place | None, report: PostureReport) -> tuple[object, ...]:
    """Rendered objects are the same place where they come from one line of source."""
    edit = finding.edit
    if place is not None and place.exact and report.resource(edit[0]).origin.rendering:
        return (place.path, place.line, place.column, place.steered_by, *edit[1:])
    return edit


def _without_copies(rows: Sequence[EditRow], report: PostureReport, places: FindingPlaces) -> list[EditRow]:
    """One row for an edit of an object that several files hold alike, with the first of them."""
    alike = _copies(rows, report, places)
    found: dict[Hashable, EditRow] = {}
    for row in rows:
        on = row.finding.on
        key = (alike.get(on, on), row.finding.edit[1:], tuple(control.id for control in row.controls))
        first = found.get(key)
        if first is None:
            found[key] = row
        else:
            subjects = tuple(dict.fromkeys((*first.subjects, *row.subjects)))
            found[key] = replace(first, subjects=subjects, copies=first.copies + row.copies)
    return list(found.values())


def _copies(rows: Iterable[EditRow], report: PostureReport, places: FindingPlaces) -> Mapping[str, str]:
    """For the id of each copy that of the first: objects of one name that come from files and are alike."""
    named: dict[tuple[str, ...], list[Resource]] = {}
    for id in dict.fromkeys(row.finding.on for row in rows):
        on = report.resource(id)
        if on.origin.kind in _OF_FILES and on.name:
            named.setdefault((on.group, on.kind, on.namespace, on.name), []).append(on)
    found: dict[str, str] = {}
    for several in named.values():
        firsts: dict[bytes, str] = {}
        for one in several if len(several) > 1 else ():
            first = firsts.setdefault(_content(one, places), one.id)
            if first != one.id:
                found[one.id] = first
    return found


def _content(one: Resource, places: FindingPlaces) -> bytes:
    """A digest of what copies share: comparing each with each of a name would cost the square of a hostile folder.

    Workloads are alike where they run the same programs, since overlays and releases change their numbers and versions;
    other objects where everything but metadata is the same.
    """
    from hashlib import sha256  # loads OpenSSL, which lines and a single file do without

    body = places.body(one)
    programs = [
        (name, parse_image_name(image).program) for name, image in images_in(one.api_version, one.kind, body)
    ]
    parts: object = programs or {key: body[key] for key in body if key != "metadata"}
    return sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()


def _by_cause(rows: Sequence[EditRow], report: PostureReport, places: FindingPlaces) -> Iterator[EditRow]:
    """Rows that are parts of one thing to do as one."""
    together: dict[Hashable, list[EditRow]] = {}
    for number, row in enumerate(rows):
        cause = cause_of([control.id for control in row.controls], row.finding, report)
        where = cause.where(row.finding, report, places) if cause else None
        key: Hashable = number if cause is None or where is None else (id(cause), where, row.copies)
        together.setdefault(key, []).append(row)
    return (_joined(rows, report) for rows in together.values())


def _joined(rows: list[EditRow], report: PostureReport) -> EditRow:
    if len(rows) == 1:
        return rows[0]
    rows = sorted(rows, key=lambda row: _RANK[row.severity])
    first = rows[0]
    cause = cause_of([control.id for control in first.controls], first.finding, report)
    controls = {control.id: control for row in reversed(rows) for control in row.controls}
    return replace(
        first,
        controls=tuple(sorted(controls.values(), key=lambda control: _RANK[control.severity])),
        subjects=tuple(dict.fromkeys(id for row in rows for id in row.subjects)),
        others=tuple(row.finding for row in rows[1:]),
        called=(cause.problem if cause else "") or first.problem,
        reason=cause.why if cause else "",
    )


def edits_in(rows: Iterable[EditRow]) -> int:
    return sum(row.edits for row in rows)


def shown_findings(row: EditRow) -> list[Finding]:
    """Those of its findings whose edits say something that the others do not."""
    findings = [row.finding, *row.others]
    changed = {one.path for one in findings if one.action != "review"}
    removed = tuple(f"{one.path}." for one in findings if one.action == "remove")
    texts = {fix(one): one for one in reversed(findings)}
    return [
        one
        for text, one in reversed(texts.items())
        # Who changes it need not look at it, and what is removed needs nothing else.
        if not (one.action == "review" and one.path in changed)
        and not (removed and one.path.startswith(removed))
        # A policy that limits is one that selects.
        and not (one.action == "add" and any(other != text and other.startswith(text) for other in texts))
    ]


def row_fix(row: EditRow) -> str:
    """All its edits on one line, below the part of the object that they share."""
    shown = shown_findings(row) if row.others else [row.finding]
    if len(shown) == 1:
        return fix(shown[0])
    shared = _shared([one.path for one in shown])
    texts = (text.replace(f"{shared}.", "") if shared else text for text in _fixes(shown))
    return f"in {shared}: {'; '.join(texts)}" if shared else "; ".join(texts)


def _fixes(findings: Iterable[Finding]) -> Iterator[str]:
    """What to do about each, places that one advice is about together."""
    alike: dict[str, list[Finding]] = {}
    for number, one in enumerate(findings):
        advice = one.violation.advice if isinstance(one.violation, Review) and one.path else ""
        alike.setdefault(advice or str(number), []).append(one)
    for together in alike.values():
        places = "".join(f"{plain(one.path)}, " for one in together[1:])
        yield fix(together[0]).replace("review ", f"review {places}", 1) if places else fix(together[0])


def _shared(paths: Sequence[str]) -> str:
    """The longest part of an object that all are below; empty where that is the whole object."""
    if not all(paths):
        return ""
    shared = paths[0].rpartition(".")[0]
    while shared and not all(path.startswith(f"{shared}.") for path in paths):
        shared = shared.rpartition(".")[0]
    return plain(shared) if shared.count(".") > 1 else ""


def edit_line(row: EditRow, report: PostureReport, title: Title, most_ids: int = 1_000) -> str:
    """``file:line:column: severity ids problem [object] fix`` on one line."""
    holder = report.resource(row.finding.on)
    what = _said(row.severity, tuple([control.id for control in row.controls]), row.problem, most_ids)
    by = steering(holder, row.place)
    rests = f" (rests on {row.causes})" if row.causes else ""
    return (
        f"{place_text(holder, row.place)}: {what} [{subject_text(row, report, title)}]"
        f" {row_fix(row)}{f' ({by})' if by else ''}{rests}"
    )


@lru_cache(maxsize=1_024)
def _said(severity: Severity, ids: tuple[str, ...], problem: str, most: int) -> str:
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return f"{severity} {','.join(map(plain, ids[:most]))}{more} {plain(problem)}"


def subject_text(row: EditRow, report: PostureReport, title: Title) -> str:
    """``shop/Deployment/web``, ``shop/Deployment/web in 4 overlays``, ``Group/ops and 2 more``."""
    first = report.resource(row.subjects[0])
    if row.copies > 1:
        return f"{plain(first.title)} in {row.copies:,} places"
    if row.overlays > 1:
        several = "renderings" if first.origin.kind == "helm" else "overlays"
        return f"{plain(first.title)} in {row.overlays:,} {several}"
    more = len(row.subjects) - 1
    return title(first) + (f" and {more:,} more" if more else "")


def also_named(row: EditRow, report: PostureReport, title: Title) -> str:
    """The other objects of a row of several, or the files of its copies: ``also shop/Pod/b, shop/Pod/c``; empty without any."""
    if row.copies == 1 and not (row.called and len(row.subjects) > 1):
        return ""
    others = [report.resource(id) for id in row.subjects[1:]]
    names = [plain(file_of(one) if row.copies > 1 else title(one)) for one in others[:MOST_NAMED]]
    more = f" and {len(others) - MOST_NAMED:,} more" if len(others) > MOST_NAMED else ""
    return f"also {', '.join(names)}{more}"


def failing_text(report: PostureReport, places: FindingPlaces, least: Severity) -> Iterator[str]:
    """What made a gate on severity fail, a line each, most urgent first; at most 20, then how to see the rest."""
    title = titles_of(report)
    rows = edit_rows(report, places, least)
    yield from (edit_line(row, report, title, _FAILING_IDS) for row in rows[:MOST_FAILING])
    if len(rows) > MOST_FAILING:
        yield f"and {edits_in(rows[MOST_FAILING:]):,} more, --format lines shows all"


def failing_unread(report: PostureReport) -> Iterator[str]:
    """What made a gate on unread input fail, likewise."""
    for one in report.new_unread[:MOST_FAILING]:
        line = f":{one.line}:{one.column}" if one.line else ""
        hint = f"; {plain(one.hint)}" if one.hint else ""
        yield f"{plain(one.where, 4096)}{line}: not read {plain(one.why)}{hint}"
    if len(report.new_unread) > MOST_FAILING:
        yield f"and {len(report.new_unread) - MOST_FAILING:,} more, --format lines shows all"
