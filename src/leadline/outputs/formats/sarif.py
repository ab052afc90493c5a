"""SARIF 2.1.0, for code scanning: one result per control, object and line.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html;
limits: https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import IO, Any, NamedTuple
from urllib.parse import quote

from leadline.model.control import SEVERITIES, Control
from leadline.model.finding import Finding, Place
from leadline.model.report import PostureReport, Waived
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.documents.fingerprints import Fingerprints
from leadline.outputs.format_registry import Page, format
from leadline.outputs.rows.place import FindingPlaces, file_of, steering, titles_of, uri_of
from leadline.outputs.rows.remediation import control_text, fix
from leadline.outputs.rows.risk_marks import RiskMarks
from leadline.outputs.text.json_text import json_text
from leadline.outputs.text.passed_over import passed_over
from leadline.outputs.text.plain import plain
from leadline.outputs.text.waiver_text import change_lines, odd_waivers, why_accepted

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 25_000
_MOST_RELATED = 100
_MOST_NOTIFICATIONS = 1_000
_LONGEST_TEXT = 1_000
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "unknown": "note"}


@format("sarif", suffix=".sarif", with_scores=False)
def sarif(report: PostureReport, out: IO[str], page: Page) -> None:
    judged = [row for row in report.by_control if row.judged]
    index = {row.control.id: i for i, row in enumerate(judged)}
    places = FindingPlaces(report, page.places)
    shown = _Shown(report, places, page, titles_of(report), RiskMarks(report, places))
    groups = _groups(shown, report.findings)
    left_out = max(0, len(groups) - MOST_RESULTS)
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "Leadline",
                "version": page.version or "0",
                "informationUri": f"pkg:generic/leadline@{quote(page.version or '0', safe='')}",
                "rules": [_rule(row.counts) for row in judged],
            }
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "endTimeUtc": page.at,
                "toolExecutionNotifications": [*_change(report), *_cut(left_out), *_notifications(shown)],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "properties": {
            "resultsLeftOut": left_out,
            "notRead": len(report.unread),
            "undecided": report.objects_undecided,
            **({"acceptedByThisChange": len(report.change.accepted)} if report.change else {}),
        },
    }
    out.write(f'{{"$schema":{json_text(SCHEMA)},"version":"2.1.0","runs":[{json_text(run)[:-1]},"results":[')
    separator = ""
    fingerprints = Fingerprints(report, shown.places)
    known = {id(report.findings[number]) for number in report.baseline.known} if report.baseline else set()
    for group in groups[:MOST_RESULTS]:
        control = group[0][0].control_of(report.controls_by_id)
        result = _result(group, control, index[control.id], shown)
        if report.baseline is not None:
            result["baselineState"] = "unchanged" if all(id(f) in known for f, _ in group) else "new"
        out.write(separator + _with_fingerprints(result, group[0][0], fingerprints))
        separator = ","
    for one, group in _accepted(shown, max(0, MOST_RESULTS - len(groups))):
        control = one.finding.control_of(report.controls_by_id)
        result = _result(group, control, index[control.id], shown) | {
            "suppressions": [_suppression(one, report)]
        }
        out.write(separator + _with_fingerprints(result, one.finding, fingerprints))
        separator = ","
    out.write("]}]}\n")


def _with_fingerprints(result: dict[str, Any], finding: Finding, fingerprints: Fingerprints) -> str:
    mark, number = fingerprints.of(finding)
    again = f":{number}" if number > 1 else ""
    marks = {"leadlineFinding/v1": mark + again, "primaryLocationLineHash": f"{mark}:{number}"}
    return json_text({**result, "partialFingerprints": marks})


Group = list[tuple[Finding, Place | None]]
"""The findings of one control on one object whose places are in one line."""


class _Shown(NamedTuple):
    report: PostureReport
    places: FindingPlaces
    page: Page
    title: Callable[[Resource], str]
    marks: RiskMarks


def _accepted(shown: _Shown, most: int) -> Iterator[tuple[Waived, Group]]:
    """What someone accepts, each finding by itself."""
    for one in shown.report.waived[:most]:
        yield one, [(one.finding, shown.places.find(one.finding))]


def _suppression(one: Waived, report: PostureReport) -> dict[str, Any]:
    waiver = report.waivers[one.waiver].waiver
    in_source = waiver.kind in ("comment", "annotation")
    return {
        "kind": "inSource" if in_source else "external",
        "status": "accepted",
        "justification": _short(why_accepted(waiver)),
        "properties": {
            "waiver": plain(waiver.name, _LONGEST_TEXT),
            "source": plain(waiver.source, _LONGEST_TEXT),
        },
    }


def _groups(shown: _Shown, findings: Sequence[Finding]) -> list[Group]:
    """Worst first, then in the order of reading."""
    report = shown.report
    wanted = SEVERITIES[: SEVERITIES.index(shown.page.least) + 1]
    groups: dict[tuple[str, str, str, int], Group] = {}
    for finding in findings:
        if finding.control_of(report.controls_by_id).severity not in wanted:
            continue
        place = shown.places.find(finding)
        key = (finding.control, finding.resource, finding.on, place.line if place else 0)
        groups.setdefault(key, []).append((finding, place))

    def rank(group: Group) -> int:
        return SEVERITIES.index(group[0][0].control_of(report.controls_by_id).severity)

    return sorted(groups.values(), key=rank)


def _rule(control: Control) -> dict[str, Any]:
    text = control_text(control)
    name = "".join(word.capitalize() for word in control.name.split("_"))
    full = f"{text.why or control.title}. {text.body}".strip()
    rule = {
        "id": control.id,
        "name": name or control.id,
        "shortDescription": {"text": _short(control.title)},
        "fullDescription": {"text": _short(full)},
        "help": {
            "text": _short(f"{text.why}. {text.fix}"),
            "markdown": _short(f"{text.why}.\n\n**Fix:** {text.fix}" if text.fix else f"{text.why}."),
        },
        "defaultConfiguration": {"level": _LEVELS[control.severity]},
        "properties": {
            "security-severity": f"{control.score:.1f}",
            "precision": "high",
            "tags": ["security", *(part.strip() for part in control.category.split("/") if part.strip())],
        },
    }
    return {**rule, "helpUri": text.links[0]} if text.links else rule


def _result(group: Group, control: Control, rule_index: int, shown: _Shown) -> dict[str, Any]:
    finding, place = group[0]
    name = shown.title(shown.report.resource(finding.resource))
    holder = shown.places.holder(finding)
    said = (*(fix(f) for f, _ in group), *(steering(holder, place) for _, place in group))
    advice = "; ".join(text for text in dict.fromkeys(said) if text)
    mark = shown.marks.of(finding)
    properties: dict[str, Any] = {"paths": [plain(f.path, _LONGEST_TEXT) for f, _ in group[:_MOST_RELATED]]}
    if finding.is_namespaced:
        properties["security-severity"] = f"{control.score:.1f}"
    if mark:
        advice += f" ({mark.text})"
        risk = {"fixFirst": mark.first, "attackRole": mark.role, "attackPath": _short(mark.path)}
        properties |= {name: value for name, value in risk.items() if value}
    result: dict[str, Any] = {
        "ruleId": control.id,
        "ruleIndex": rule_index,
        "level": _LEVELS[control.severity],
        "message": {"text": _message(f"{plain(control.title)} in {name}: {advice}")},
        "locations": [_location(holder, place, shown.page, logical=name)],
        "properties": properties,
        **({"rank": mark.score} if mark else {}),
    }
    others = (shown.report.resource(other) for other in finding.related[:_MOST_RELATED])
    related = [
        _location(resource, shown.places.start(resource), shown.page, logical=shown.title(resource))
        | {"id": number, "message": {"text": _message(shown.title(resource))}}
        for number, resource in enumerate(r for r in others if file_of(r))
    ]
    return {**result, "relatedLocations": related} if related else result


def _location(resource: Resource, place: Place | None, page: Page, *, logical: str) -> dict[str, Any]:
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": logical, "kind": "object"}]}
    file = file_of(resource)
    if file:
        location["physicalLocation"] = {"artifactLocation": {"uri": uri_of(file, page.folder, page.root)}}
        # Code scanning refuses a place without a line; of what has none, as a rendered list may, the file begins there.
        line, column = (place.line, place.column) if place is not None else (1, 1)
        location["physicalLocation"]["region"] = {"startLine": line, "startColumn": column}
    return location


def _change(report: PostureReport) -> Iterator[dict[str, Any]]:
    for line in change_lines(report):
        id = {"id": "acceptedByThisChange"}
        yield {"level": "warning", "descriptor": id, "message": {"text": _message(line)}}


def _cut(left_out: int) -> Iterator[dict[str, Any]]:
    if left_out:
        text = f"{left_out} results of the lowest severities are left out: a run may hold {MOST_RESULTS}"
        yield {"level": "warning", "descriptor": {"id": "resultsLeftOut"}, "message": {"text": text}}


def _notifications(shown: _Shown) -> Iterator[dict[str, Any]]:
    report, page = shown.report, shown.page
    for sort in passed_over(report, _MOST_NOTIFICATIONS):
        yield from (_notification(part, page) for part in sort.parts)
        if sort.rest:
            level, id = ("note", "leftOut") if sort.is_choice else ("error", "unread")
            yield {"level": level, "descriptor": {"id": id}, "message": {"text": sort.rest}}
    for remark in islice(odd_waivers(report.waivers), _MOST_NOTIFICATIONS):
        yield {"level": "warning", "descriptor": {"id": "waiver"}, "message": {"text": _message(remark)}}
    for one in shown.report.undecided[:_MOST_NOTIFICATIONS]:
        some = one.resources[:_MOST_RELATED]
        names = ", ".join(shown.title(shown.report.resource(id)) for id in some)
        more = f" and {len(one.resources) - len(some):,} more" if len(some) < len(one.resources) else ""
        text = f"{plain(one.control)} could not decide about {names}{more}: {plain(one.why)}"
        yield {"level": "note", "descriptor": {"id": "undecided"}, "message": {"text": _message(text)}}


def _notification(unread: Unread, page: Page) -> dict[str, Any]:
    is_choice = unread.reason == "left out"
    what = "was left out" if is_choice else "was not read"
    text = f"{plain(unread.where, _LONGEST_TEXT)} {what}: {plain(unread.why, _LONGEST_TEXT)}"
    notification: dict[str, Any] = {
        "level": "note" if is_choice else "error",
        "descriptor": {"id": "leftOut" if is_choice else "unread"},
        "message": {"text": _message(f"{text}; {plain(unread.hint)}" if unread.hint else text)},
    }
    if unread.line:
        region = {"startLine": unread.line, "startColumn": max(1, unread.column)}
        artifact = {"uri": uri_of(unread.where, page.folder, page.root)}
        notification["locations"] = [{"physicalLocation": {"artifactLocation": artifact, "region": region}}]
    return notification


def _message(text: str) -> str:
    """A message cut to length. ``[text](place)`` would be shown as a link (SARIF 3.11.6), which names must not make."""
    return _short(text.replace("](", "] ("))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
