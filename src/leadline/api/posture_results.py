"""A posture report as the objects that a store keeps of it: for each judged object its results, and their summary."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import orjson
from msgspec import UNSET, Struct
from msgspec.structs import replace

from leadline.api.kind import PREFIX
from leadline.api.kinds import configuration
from leadline.api.kinds.configuration import (
    ConfigurationScan,
    ConfigurationSummary,
    ControlResult,
    ControlSeverity,
    ControlStatus,
    ControlSummary,
    FailedPath,
    JudgedObject,
    RelatedObject,
    RuleResult,
    RuleStatus,
    SeverityCounts,
)
from leadline.api.protocol import Content, Put
from leadline.api.selection import Key
from leadline.model.control import Control, Missing, Remove, Review, Set
from leadline.model.finding import Finding, Skip, SkipKind
from leadline.model.report import PostureReport, Waived
from leadline.model.resource import Resource
from leadline.model.resource_id import object_id
from leadline.model.waiver import Waiver

SCANS, SUMMARIES = configuration.SCANS.plural, configuration.SUMMARIES.plural
OBJECT = "leadline.dev/object"
"""The annotation that names what was judged: labels cannot hold every name."""
BY_EXCEPTION = "w/exceptions"
"""The sub-status of what fails and is accepted."""
SUB_STATUS: dict[SkipKind, str] = {
    "no objects": "irrelevant",
    "not read": "notEvaluated",
    "not applicable": "not applicable",
    "no facts": "no facts",
}
"""Why a control could not judge an object, in the words that clients know."""
Place = tuple[str, str]
"""Namespace and name of results."""
MAX_NAME = 253
_CUT_NAME = 243
Body = dict[str, Any]


def posture_puts(
    report: PostureReport, home: str, at: str, places: Mapping[str, Place] | None = None
) -> Iterator[Put]:
    """Two writes for each object that a control judged, replacing what is there.

    ``home`` is the namespace for results about objects that have none; ``at`` the moment of the scan, as Kubernetes
    writes it. ``places`` says where the results of each object go, by its id, where the report is only a part of all.
    """
    places = result_places(report, home) if places is None else places
    controls = {control.id: control for control in report.controls}
    findings: dict[str, dict[str, list[Finding]]] = {}
    for finding in report.findings:
        findings.setdefault(finding.resource, {}).setdefault(finding.control, []).append(finding)
    accepted: dict[str, list[Waived]] = {}
    for one in report.waived:
        accepted.setdefault(one.finding.resource, []).append(one)
    in_frameworks: dict[str, dict[str, dict[str, str]]] = {}
    for some in report.waived_in_frameworks:
        names = in_frameworks.setdefault(some.resource, {}).setdefault(some.control, {})
        names |= dict.fromkeys(some.frameworks, report.waivers[some.waiver].waiver.name)
    for resource, judged, parts in _subjects(report):
        failed = findings.get(resource.id, {})
        gave_up = report.gave_up.get(resource.id, ())
        place = places.get(resource.id)
        if place is None or not (judged or failed or gave_up):
            continue
        related = [report.resource(id) for id in parts]
        ids = dict.fromkeys((*judged, *failed))
        results = {id: _result(controls[id], failed.get(id, []), resource, report.settings) for id in ids}
        results |= {skip.control: _skipped(controls[skip.control], skip) for skip in gave_up}
        for one in accepted.get(resource.id, ()):
            if (result := results.get(one.finding.control)) is not None:
                waiver = report.waivers[one.waiver].waiver
                results[one.finding.control] = _accept(result, one.finding, waiver, resource)
        for control, names in in_frameworks.get(resource.id, {}).items():
            if control in results:
                results[control] = replace(results[control], accepted_in=names)
        yield from _pair(resource, related, results, (place, at))


def result_places(report: PostureReport, home: str) -> dict[str, Place]:
    """Where the results of each object go that has some, by its id."""
    claims: dict[Place, list[str]] = {}
    for id, place in wanted_places(report, home):
        claims.setdefault(place, []).append(id)
    return {id: place_for(id, place, claims[place]) for place in claims for id in claims[place]}


def wanted_places(report: PostureReport, home: str) -> Iterator[tuple[str, Place]]:
    """The id of each object that has results, and the place that they go to where no other object's do."""
    having = {finding.resource for finding in report.findings} | report.gave_up.keys()
    for resource, judged, parts in _subjects(report):
        if judged or resource.id in having:
            related = [report.resource(id) for id in parts]
            yield resource.id, (resource.namespace or home, result_name(resource, related))


def place_for(id: str, place: Place, claimants: Iterable[str]) -> Place:
    """``place`` for one of the objects that want it; kinds of one name in two API groups do, or one object in two files."""
    return place if id == min(claimants) else (place[0], other_name(place[1], id))


def _subjects(report: PostureReport) -> Iterator[tuple[Resource, tuple[str, ...], tuple[str, ...]]]:
    """Each object, the controls that judged it, and the ids of what it was joined from."""
    joined = iter(report.joined)
    for resource, judged in zip(report.resources, report.judged, strict=True):
        yield resource, judged, next(joined, ()) if resource.origin.kind == "derived" else ()


def result_name(resource: Resource, related: Iterable[Resource] = ()) -> str:
    """``deployment-web``; of a subject with its role and binding, all three."""
    named = [(one.kind, one.name) if one.kind else _kind_and_name(one.id) for one in related]
    parts = sorted(named, key=lambda part: part[0].endswith("Binding"))
    return slug("-".join(f"{kind}-{name}" for kind, name in ((resource.kind, resource.name), *parts)))


def _kind_and_name(id: str) -> tuple[str, str]:
    """Of an object that was named and not read, of which only the id is known."""
    *_, kind, name = ("", *id.split("/"))
    return kind, name


def slug(text: str) -> str:
    """A name for an object; long ones are cut and distinguished by a hash."""
    made = text
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,251}[a-z0-9]", text):
        made = re.sub(r"[^A-Za-z0-9.-]", "-", text).lower().strip("-")[:MAX_NAME]
        made = re.sub(r"^[^a-z0-9]+|[^a-z0-9]+$", "", made)
    if len(made) >= _CUT_NAME:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        made = f"{made[:_CUT_NAME]}-{digest[:4]}-{digest[-4:]}"
    return made or f"unnamed-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def other_name(name: str, id: str) -> str:
    return f"{name[:_CUT_NAME]}-{hashlib.sha256(id.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def label_value(text: str) -> str:
    """``text`` as the value of a label."""
    made = text
    if not re.fullmatch(r"[A-Za-z0-9_.-]*", text):
        made = re.sub(r"[^A-Za-z0-9_.-]", "-", text).lower().strip("-")
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9]+$", "", made[:63])


def _pair(
    resource: Resource,
    related: list[Resource],
    results: Mapping[str, ControlResult],
    place: tuple[tuple[str, str], str],
) -> Iterator[Put]:
    (namespace, name), at = place
    annotations = {f"{PREFIX}timestamp": at, OBJECT: msgspec.json.encode(judged_object(resource)).decode()}
    metadata = {"labels": labels_for(resource, related), "annotations": annotations}
    scan = ConfigurationScan(dict(results), tuple(map(_object, related)))
    yield _put(SCANS, namespace, name, metadata, scan)
    failed = (one.severity.severity.lower() for one in results.values() if one.status.status == "failed")
    short = {
        id: ControlSummary(one.control_id, one.severity, one.status, accepted_in=one.accepted_in)
        for id, one in results.items()
    }
    summary = ConfigurationSummary(SeverityCounts(**Counter(failed)), short)
    yield _put(SUMMARIES, namespace, name, metadata, summary)


def _put(plural: str, namespace: str, name: str, metadata: Body, spec: Struct) -> Put:
    whole = {"name": name, "namespace": namespace, **metadata}
    content = Content(orjson.dumps(whole), body=msgspec.json.encode({"spec": spec}))
    return Put(Key(plural, namespace, name), content)


def _result(
    control: Control, findings: list[Finding], resource: Resource, settings: Mapping[str, tuple[str, ...]]
) -> ControlResult:
    status = "failed" if findings else "passed"
    others = {id for finding in findings for id in (*finding.related, finding.on)} - {resource.id}
    rule = RuleResult(
        control.name,
        RuleStatus(status),
        {name: list(settings.get(name, known)) for name, known in control.settings.items()},
        tuple(_path(finding, _parts(resource)) for finding in findings),
        (),
        tuple(sorted(others)),
    )
    # Each object has a grant of its own, so that its findings of one control count alike.
    counts = control.in_one_namespace if findings and findings[0].is_namespaced else control
    return ControlResult(control.id, control.title, _severity(counts), ControlStatus(status), (rule,))


def _severity(control: Control) -> ControlSeverity:
    return ControlSeverity(control.severity.capitalize(), control.score)


def _accept(result: ControlResult, finding: Finding, waiver: Waiver, resource: Resource) -> ControlResult:
    """With a rule of its own, as clients know it; a control of which nothing else failed has passed by exceptions."""
    rules = result.rules or ()
    rule = RuleResult(
        rules[0].name if rules else finding.control,
        RuleStatus("passed", BY_EXCEPTION),
        {},
        (_path(finding, _parts(resource)),),
        (waiver.name,),
        (),
        waiver.reason,
        waiver.expires,
    )
    status = result.status
    if status.status == "passed":
        status = replace(status, sub_status=BY_EXCEPTION)
    return replace(result, rules=(*rules, rule), status=status)


def _skipped(control: Control, skip: Skip) -> ControlResult:
    """A control that could not judge the object."""
    status = ControlStatus("skipped", SUB_STATUS.get(skip.kind, ""), skip.why)
    return ControlResult(control.id, control.title, _severity(control), status, ())


def _path(finding: Finding, parts: int) -> FailedPath:
    """The four parts that clients know are texts, never null; ours beside them say the rest, where there is more.

    The first ``parts`` of what it is related to be what its object was joined from; the others are in an order that
    does not depend on which came first.
    """
    match finding.violation:
        case Set(value=str(text)):
            path = FailedPath(fix_path=finding.path, fix_path_value=text)
        case Set(value=value):
            path = FailedPath(fix_path=finding.path, fix_path_value=orjson.dumps(value).decode(), value=value)
        case Missing(what=what):
            path = FailedPath(finding.path, fix_command=f"add {what}", what=what)
        case Remove():
            path = FailedPath(finding.path, action="remove")
        case Review(advice=advice):
            path = FailedPath(finding.path, fix_command=advice)
    related = (*finding.related[:parts], *sorted(finding.related[parts:]))
    return replace(path, on=finding.on if finding.on != finding.resource else UNSET, related=related or UNSET)


def _parts(resource: Resource) -> int:
    return 2 if resource.origin.kind == "derived" else 0


def judged_object(resource: Resource) -> JudgedObject:
    return JudgedObject(
        resource.id,
        resource.api_version,
        resource.kind,
        resource.namespace,
        resource.name,
        resource.origin.kind == "derived",
    )


def labels_for(resource: Resource, related: list[Resource]) -> dict[str, str]:
    group, _, version = resource.api_version.rpartition("/")
    labels = {
        "workload-api-group": group,
        "workload-api-version": version,
        "workload-kind": resource.kind,
        "workload-name": resource.name,
    }
    if resource.namespace:
        labels["workload-namespace"] = resource.namespace
    if related:
        labels["rbac-resource"] = "true"
    for one in related:
        kind = one.kind.lower()
        if not kind:
            # Named and not read: a label without a kind would be refused.
            continue
        labels[f"{kind}-name"] = one.name
        if one.namespace:
            labels[f"{kind}-namespace"] = one.namespace
    return {f"{PREFIX}{name}": label_value(value) for name, value in labels.items()}


def _object(resource: Resource) -> RelatedObject:
    group, _, version = resource.api_version.rpartition("/")
    plain = object_id(resource.api_version, resource.namespace, resource.kind, resource.name)
    id = UNSET if resource.id == plain else resource.id
    return RelatedObject(resource.namespace, group, version, resource.kind, resource.name, id)
