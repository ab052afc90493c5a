"""A posture report as the objects that a store keeps of it: for each judged object its results, and their summary."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from leadline.api.protocol import Content, Put
from leadline.api.selection import Key
from leadline.model.control import Control, Missing, Remove, Review, Set
from leadline.model.finding import Finding, Skip, SkipKind
from leadline.model.report import PostureReport, Waived
from leadline.model.resource import Resource
from leadline.model.resource_id import object_id
from leadline.model.waiver import Waiver

SCANS = "workloadconfigurationscans"
SUMMARIES = "workloadconfigurationscansummaries"
PREFIX = "kubescape.io/"
OBJECT = "leadline.dev/object"
"""The annotation that names what was judged: labels cannot hold every name."""
BY_EXCEPTION = "w/exceptions"
"""The sub-status of what fails and is accepted."""
ACCEPTED_IN = "acceptedIn"
"""Of a control that fails, the frameworks that alone accept it, each with the name of the waiver."""
SUB_STATUS: dict[SkipKind, str] = {
    "no objects": "irrelevant",
    "not read": "notEvaluated",
    "not applicable": "not applicable",
    "no facts": "no facts",
}
"""Why a control could not judge an object, in the words that clients know."""
SEVERITIES = ("critical", "high", "medium", "low", "unknown")
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
            _accept(results, one.finding, report.waivers[one.waiver].waiver, resource)
        for control, names in in_frameworks.get(resource.id, {}).items():
            if control in results:
                results[control][ACCEPTED_IN] = names
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
    results: Mapping[str, Body],
    place: tuple[tuple[str, str], str],
) -> Iterator[Put]:
    (namespace, name), at = place
    annotations = {f"{PREFIX}timestamp": at, OBJECT: orjson.dumps(_named(resource)).decode()}
    metadata = {"labels": _labels(resource, related), "annotations": annotations}
    others = [_object(one) for one in related]
    yield _put(SCANS, namespace, name, metadata, {"controls": results, "relatedObjects": others})
    counts = dict.fromkeys(SEVERITIES, 0)
    for result in results.values():
        if result["status"]["status"] == "failed":
            counts[result["severity"]["severity"].lower()] += 1
    short = {
        id: {
            name: result[name] for name in ("controlID", "severity", "status", ACCEPTED_IN) if name in result
        }
        for id, result in results.items()
    }
    yield _put(SUMMARIES, namespace, name, metadata, {"severities": counts, "controls": short})


def _put(plural: str, namespace: str, name: str, metadata: Body, spec: Body) -> Put:
    whole = {"name": name, "namespace": namespace, **metadata}
    return Put(Key(plural, namespace, name), Content(orjson.dumps(whole), body=orjson.dumps({"spec": spec})))


def _result(
    control: Control, findings: list[Finding], resource: Resource, settings: Mapping[str, tuple[str, ...]]
) -> Body:
    status = "failed" if findings else "passed"
    others = {id for finding in findings for id in (*finding.related, finding.on)} - {resource.id}
    rule: Body = {
        "name": control.name,
        "status": {"status": status, "subStatus": ""},
        "controlConfigurations": {
            name: list(settings.get(name, known)) for name, known in control.settings.items()
        },
        "paths": [_path(finding, _parts(resource)) for finding in findings],
        "appliedIgnoreRules": [],
        "relatedResourcesIDs": sorted(others),
    }
    return {
        "controlID": control.id,
        "name": control.title,
        "severity": {"severity": control.severity.capitalize(), "scoreFactor": control.score},
        "status": {"status": status, "subStatus": "", "info": ""},
        "rules": [rule],
    }


def _accept(results: dict[str, Body], finding: Finding, waiver: Waiver, resource: Resource) -> None:
    """Adds a rule of its own, as clients know it; a control of which nothing else failed has passed by exceptions."""
    result = results.get(finding.control)
    if result is None:
        return
    result["rules"].append(
        {
            "name": result["rules"][0]["name"] if result["rules"] else finding.control,
            "status": {"status": "passed", "subStatus": BY_EXCEPTION},
            "controlConfigurations": {},
            "paths": [_path(finding, _parts(resource))],
            "appliedIgnoreRules": [waiver.name],
            "relatedResourcesIDs": [],
            "reason": waiver.reason,
            "expires": waiver.expires,
        }
    )
    if result["status"]["status"] == "passed":
        result["status"]["subStatus"] = BY_EXCEPTION


def _skipped(control: Control, skip: Skip) -> Body:
    """A control that could not judge the object."""
    status = {"status": "skipped", "subStatus": SUB_STATUS.get(skip.kind, ""), "info": skip.why}
    return {
        "controlID": control.id,
        "name": control.title,
        "severity": {"severity": control.severity.capitalize(), "scoreFactor": control.score},
        "status": status,
        "rules": [],
    }


def _path(finding: Finding, parts: int) -> Body:
    """The four parts that clients know are texts, never null; ours beside them say the rest, where there is more.

    The first ``parts`` of what it is related to are what its object was joined from; the others are in an order that
    does not depend on which came first.
    """
    violation = finding.violation
    path: Body = {"failedPath": finding.path, "fixPath": "", "fixPathValue": "", "fixCommand": ""}
    match violation:
        case Set(value=value):
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            path |= {"failedPath": "", "fixPath": finding.path, "fixPathValue": text}
            if not isinstance(value, str):
                path["value"] = value
        case Missing(what=what):
            path |= {"fixCommand": f"add {what}", "what": what}
        case Remove():
            path["action"] = "remove"
        case Review(advice=advice):
            path["fixCommand"] = advice
    if finding.on != finding.resource:
        path["on"] = finding.on
    if finding.related:
        path["related"] = [*finding.related[:parts], *sorted(finding.related[parts:])]
    return path


def _parts(resource: Resource) -> int:
    return 2 if resource.origin.kind == "derived" else 0


def _named(resource: Resource) -> Body:
    return {
        "id": resource.id,
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "namespace": resource.namespace,
        "name": resource.name,
        "isDerived": resource.origin.kind == "derived",
    }


def _labels(resource: Resource, related: list[Resource]) -> dict[str, str]:
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
        labels[f"{kind}-name"] = one.name
        if one.namespace:
            labels[f"{kind}-namespace"] = one.namespace
    return {f"{PREFIX}{name}": label_value(value) for name, value in labels.items()}


def _object(resource: Resource) -> Body:
    group, _, version = resource.api_version.rpartition("/")
    written = {
        "namespace": resource.namespace,
        "apiGroup": group,
        "apiVersion": version,
        "kind": resource.kind,
        "name": resource.name,
    }
    plain = object_id(resource.api_version, resource.namespace, resource.kind, resource.name)
    return written if resource.id == plain else {**written, "id": resource.id}
